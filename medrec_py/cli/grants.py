"""Commands about grants: granting, passing on, withdrawing, pausing, and changing keys afterwards."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import GRANT_COLUMNS, grant_rows, listed, operations, receipt_json
from medrec_py.errors import InvalidInput

_Viewer = Annotated[str, typer.Argument(help="Who may look: an address, or the name of an account.")]
_Grant = Annotated[str, typer.Argument(help="The grant's id, or the beginning of it.")]
_As = Annotated[Role, typer.Option("--as", help="patient, or viewer for a sub-grant it made.")]
_Classes = Annotated[list[str], typer.Option("--classes", "-c", help="Codes of classes, separated by commas, or all.")]
_Purposes = Annotated[
    list[str] | None, typer.Option("--purposes", "-p", help="Codes of HL7 PurposeOfUse.", show_default="TREAT")
]
_Operations = Annotated[
    list[str] | None,
    typer.Option("--operations", help="READ, QUERY, DERIVE, EXPORT, TRAIN.", show_default="READ"),
]
_Starts = Annotated[str | None, typer.Option("--starts", help="From when.", show_default="now")]
_Ends = Annotated[str | None, typer.Option("--until", help="Until when: 2027-05-01 or with a time.")]
_From = Annotated[str | None, typer.Option("--records-from", help="First day of the records covered.")]
_To = Annotated[str | None, typer.Option("--records-until", help="Last day of the records covered.")]
_Agent = Annotated[str | None, typer.Option("--agent", help="Software that may act for the viewer.")]
_Delegations = Annotated[int, typer.Option("--delegations", help="How often it may be passed on.", min=0, max=255)]
_Condition = Annotated[str | None, typer.Option("--condition", help="A contract that must agree each time.")]
_Language = Annotated[str, typer.Option("--language", help="Of the sentence that the wallet shows: en or zh.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""

    @command(
        app,
        "grant",
        example="medrec grant clinic --classes laboratory --until 2027-05-01 --records-from 2020-01-01 -a patient",
        panel=panel,
    )
    def grant(
        session: Session,
        viewer: _Viewer,
        classes: _Classes,
        purposes: _Purposes = None,
        operation: _Operations = None,
        starts: _Starts = None,
        until: _Ends = None,
        records_from: _From = None,
        records_until: _To = None,
        agent: _Agent = None,
        delegations: _Delegations = 0,
        condition: _Condition = None,
        subject: Annotated[
            str | None, typer.Option("--subject", "-s", help="Which of the patient's addresses.")
        ] = None,
        language: _Language = "en",
    ) -> Shown:
        """Let somebody use records of some classes for some purposes, as the patient."""
        made = session.patient.grant(
            session.address(viewer),
            classes=listed(classes) or [],
            purposes=listed(purposes) or "TREAT",
            operations=operations(operation),
            starts=starts,
            until=until,
            records_from=records_from,
            records_until=records_until,
            agent=_address(session, agent),
            delegations=delegations,
            condition=_address(session, condition),
            subject=_address(session, subject),
            language=language,  # type: ignore[arg-type]
        )
        return _granted(made)

    @command(
        app, "sub-grant", example="medrec sub-grant 3f9a17c2 laboratory-partner -c laboratory -a clinic", panel=panel
    )
    def sub_grant(
        session: Session,
        above: Annotated[
            str, typer.Argument(metavar="GRANT", help="The grant to pass on, or the beginning of its id.")
        ],
        viewer: _Viewer,
        classes: _Classes,
        purposes: _Purposes = None,
        operation: _Operations = None,
        starts: _Starts = None,
        until: _Ends = None,
        records_from: _From = None,
        records_until: _To = None,
        agent: _Agent = None,
        delegations: _Delegations = 0,
        condition: _Condition = None,
        language: _Language = "en",
    ) -> Shown:
        """Pass on part of a grant, as its viewer; it never permits more than the grant above it."""
        holder = session.viewer
        made = holder.sub_grant(
            session.grant_id(above, holder.grants()),
            session.address(viewer),
            classes=listed(classes) or [],
            purposes=listed(purposes) or "TREAT",
            operations=operations(operation),
            starts=starts,
            until=until,
            records_from=records_from,
            records_until=records_until,
            agent=_address(session, agent),
            delegations=delegations,
            condition=_address(session, condition),
            language=language,  # type: ignore[arg-type]
        )
        return _granted(made)

    @command(app, "grants", example="medrec grants --account patient", panel=panel)
    def grants(
        session: Session,
        subject: Annotated[str | None, typer.Option("--subject", "-s", help="Only about this address.")] = None,
        role: Annotated[Role, typer.Option("--as", help="patient or viewer.")] = Role.patient,
    ) -> Shown:
        """List grants, ended ones included."""
        about = _address(session, subject)
        found = [item for item in _holder(session, role).grants() if about in (None, item.subject)]
        return Shown(
            {"grants": [item.to_json() for item in found]},
            lambda: [output.table(GRANT_COLUMNS, grant_rows(found), empty="There are none.")],
        )

    @command(app, "revoke", example="medrec revoke 3f9a17c2 --account patient", panel=panel)
    def revoke(
        session: Session,
        grant: _Grant,
        rekey: Annotated[
            bool, typer.Option("--rekey/--no-rekey", help="Change the keys that it had handed over, at once.")
        ] = True,
        role: _As = Role.patient,
    ) -> Shown:
        """Withdraw a grant, or a sub-grant, for good."""
        holder = _holder(session, role)
        id = session.grant_id(grant, holder.grants())
        receipt = holder.revoke(id, rekey=rekey) if role is Role.patient else holder.revoke(id)
        return _acted(id, receipt, "The grant is revoked.")

    @command(app, "renounce", example="medrec renounce 3f9a17c2 --account clinic", panel=panel)
    def renounce(session: Session, grant: _Grant) -> Shown:
        """Give a grant back for good, as its viewer."""
        id = session.grant_id(grant, session.viewer.grants())
        return _acted(id, session.viewer.renounce(id), "The grant is given back.")

    @command(app, "suspend", example="medrec suspend 3f9a17c2 --account patient", panel=panel)
    def suspend(session: Session, grant: _Grant, role: _As = Role.patient) -> Shown:
        """Pause a grant. What was seen stays seen."""
        holder = _holder(session, role)
        id = session.grant_id(grant, holder.grants())
        return _acted(id, holder.suspend(id), "The grant is paused.")

    @command(app, "resume", example="medrec resume 3f9a17c2 --account patient", panel=panel)
    def resume(session: Session, grant: _Grant, role: _As = Role.patient) -> Shown:
        """End the pause of a grant."""
        holder = _holder(session, role)
        id = session.grant_id(grant, holder.grants())
        return _acted(id, holder.resume(id), "The grant holds again.")

    @command(app, "revoke-agent", example="medrec revoke-agent 3f9a17c2 --account patient", panel=panel)
    def revoke_agent(session: Session, grant: _Grant, role: _As = Role.patient) -> Shown:
        """Dismiss the software that acts for a grant's viewer; the grant itself stays."""
        holder = _holder(session, role)
        id = session.grant_id(grant, holder.grants())
        return _acted(id, holder.revoke_agent(id), "The agent is dismissed.")

    @command(app, "rekey", example="medrec rekey --account patient", panel=panel)
    def rekey(session: Session) -> Shown:
        """Change the keys of what ended grants covered, as the patient. With nothing to do it does nothing."""
        rekeyed = session.patient.rekey()
        gas = sum(receipt.gas_used for receipt in rekeyed)
        sentence = f"New keys are handed over ({gas:,} gas)." if rekeyed else "There was nothing to do."
        document = {
            "transactions": [receipt_json(receipt) for receipt in rekeyed],
            "faults": [fault.to_json() for fault in rekeyed.faults],
        }
        passed_by = [output.failed(f"{fault.kind} {fault.where}: {fault.sentence}") for fault in rekeyed.faults]
        return Shown(document, lambda: [output.done(sentence), *passed_by], code=1 if rekeyed.faults else 0)


def _holder(session: Session, role: Role) -> Any:  # noqa: ANN401 (a patient or a viewer)
    if role is Role.provider:
        raise InvalidInput("A provider holds no grants.", hint="Say --as patient or --as viewer.")
    return session.patient if role is Role.patient else session.viewer


def _address(session: Session, text: str | None) -> str | None:
    return None if text is None else session.address(text)


def _granted(grant: Any) -> Shown:  # noqa: ANN401 (a `Grant`, which is not imported for the help)
    return Shown(
        grant.to_json(),
        lambda: [output.done(f"Granted: 0x{grant.id.hex()}"), grant.terms.statement],
    )


def _acted(id: bytes, receipt: Any, sentence: str) -> Shown:  # noqa: ANN401 (a receipt)
    return Shown(
        {"grant": id, **receipt_json(receipt)}, lambda: [output.done(f"{sentence} ({receipt.gas_used:,} gas)")]
    )
