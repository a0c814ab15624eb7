"""Commands about the outbox: what is on its way, what the chain refused, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrec_py.outbox import PublicationOutcome, PublicationStatus

_Id = Annotated[str, typer.Argument(help="The publication's id (`medrec outbox list`).")]
_As = Annotated[Role, typer.Option("--as", help="provider, or patient for records of your own.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    outbox = typer.Typer(
        help="Publications on their way: through store and relayer to the chain.", no_args_is_help=True
    )
    app.add_typer(outbox, name="outbox", rich_help_panel=panel)

    @command(outbox, "list", example="medrec outbox list", account=False)
    def list_(session: Session) -> Shown:
        """List publications that are not finished, or that the chain refused."""
        found = [*session.network.outbox.pending(), *session.network.outbox.failed()]
        rows = [[item.id, item.state.value, item.sender, len(item.digests), item.reason] for item in found]
        return Shown(
            {"publications": [_status(item) for item in found]},
            lambda: [
                output.table(("Publication", "State", "Whose", "Parcels#", "Why"), rows, empty="All is published.")
            ],
        )

    @command(outbox, "resume", example="medrec outbox resume -a hospital")
    def resume(session: Session, role: _As = Role.provider) -> Shown:
        """Finish publications that were interrupted, each once."""
        _require_publisher(role)
        return _outcomes(session.patient.resume_publications() if role is Role.patient else session.provider.resume())

    @command(outbox, "retry", example="medrec outbox retry 3f2a9c0d5e1b7a64 -a hospital")
    def retry(session: Session, publication: _Id, role: _As = Role.provider) -> Shown:
        """Try a publication once more that the chain refused."""
        _require_publisher(role)
        if role is Role.patient:
            receipt = session.patient.retry_publication(publication)
        else:
            receipt = session.provider.retry(publication)
        return Shown(
            {"id": receipt.id, "transaction": "0x" + receipt.transaction_hash.hex(), "gas_used": receipt.gas_used},
            lambda: [output.done(f"{len(receipt.digests)} parcels are published, {receipt.gas_used:,} gas.")],
        )

    @command(outbox, "discard", example="medrec outbox discard 3f2a9c0d5e1b7a64", account=False)
    def discard(
        session: Session,
        publication: _Id,
        keep_objects: Annotated[
            bool, typer.Option("--keep-objects", help="Leave its sealed objects in the store.")
        ] = False,
    ) -> Shown:
        """Forget a publication that the chain refused, and remove its sealed objects from the store."""
        session.network.outbox.discard(publication, keep_objects=keep_objects)
        return Shown({"id": publication, "discarded": True}, lambda: [output.done("The publication is forgotten.")])


def _require_publisher(role: Role) -> None:
    if role is Role.viewer:
        raise InvalidInput("A viewer publishes nothing.", hint="Say --as provider or --as patient.")


def _status(item: PublicationStatus) -> dict[str, Any]:
    return {
        "id": item.id,
        "key": item.key,
        "state": item.state.value,
        "sender": item.sender,
        "relayed": item.relayed,
        "parcels": len(item.digests),
        "reason": item.reason,
    }


def _outcomes(outcomes: Sequence[PublicationOutcome]) -> Shown:
    items = [
        {
            "id": item.id,
            "published": item.receipt is not None,
            "transaction": None if item.receipt is None else "0x" + item.receipt.transaction_hash.hex(),
            "error": None if item.error is None else item.error.to_json(),
        }
        for item in outcomes
    ]
    rows = [[item.id, "published" if item.receipt else str(item.error)] for item in outcomes]
    return Shown(
        {"publications": items},
        lambda: [output.table(("Publication", "Outcome"), rows, empty="Nothing was left unfinished.")],
        code=0 if all(item["published"] for item in items) else 1,
    )
