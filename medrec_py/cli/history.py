"""Commands about what happened: verification, audit, and how things stand."""

from __future__ import annotations

from typing import Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import counted


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""

    @command(app, "verify", example="medrec verify --account patient", panel=panel)
    def verify(session: Session) -> Shown:
        """Compare index, store and chain, as the patient; exits with 1 when anything differs, and names it."""
        found = session.patient.verify()
        amounts = ((found.entries, "ledger entry"), (found.objects, "object"), (found.grants, "grant"))
        checked = ", ".join(counted(amount, noun) for amount, noun in amounts)

        def parts() -> list[Any]:
            if found.ok:
                return [output.done(f"All verifies: {checked}.")]
            rows = [[fault.kind, fault.where, fault.sentence] for fault in found.faults]
            return [
                output.failed(f"{counted(len(found.faults), 'fault')} among {checked}."),
                output.table(("Fault", "Where", "What"), rows, empty=""),
            ]

        return Shown(found.to_json(), parts, code=0 if found.ok else 1)

    @command(app, "audit", example="medrec audit --account patient", panel=panel)
    def audit(session: Session) -> Shown:
        """List every act on chain that concerns the patient, in order."""
        from medrec_py.types.moments import iso

        acts = session.patient.audit()
        rows = [["" if act.time is None else iso(act.time), act.act, act.sentence, act.block_number] for act in acts]
        return Shown(
            {"acts": [act.to_json() for act in acts]},
            lambda: [output.table(("When", "Act", "What", "Block#"), rows, empty="Nothing yet.")],
        )

    @command(app, "status", example="medrec status --account hospital", panel=panel)
    def status(session: Session) -> Shown:
        """Show the network, and how the account stands in it."""
        network = session.network
        index = network.index
        index.sync()
        chain = network.chain
        document: dict[str, Any] = {
            "chain": {"address": chain.address, "id": chain.chain_id, "head": chain.head_number(), "now": chain.now()},
            "store": network.store.name,
            "contracts": network.deployment.addresses,
            "index": {"head": index.head},
            "outbox": {"pending": len(network.outbox.pending()), "failed": len(network.outbox.failed())},
        }
        if session.account is not None:
            address = session.account.address
            participant = index.participant(address)
            accreditation = index.accreditation(address)
            document["account"] = {
                "address": address,
                "wei": str(chain.balance(address)),
                "registered": participant is not None,
                "accredited_until": None if accreditation is None else accreditation.expires_at,
            }

        def parts() -> list[Any]:
            shown = {
                "Chain": f"{chain.address}, id {chain.chain_id}, block {document['chain']['head']}",
                "Store": network.store.name,
                "Index": f"at block {index.head}",
                "Outbox": f"{document['outbox']['pending']} pending, {document['outbox']['failed']} failed",
                **document["contracts"],
            }
            if "account" in document:
                own = document["account"]
                standing = "registered" if own["registered"] else "not registered"
                shown["Account"] = f"{own['address']}, {standing}, {int(own['wei']) / 10**18:.4f} ether"
            return [output.facts(shown)]

        return Shown(document, parts)
