"""Commands about emergencies: for patients, for those who declare them, and for custodians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from medrec_py.cli import output
from medrec_py.cli.hands import EXAMPLE, Label, People, Threshold, done, given_address, named_people
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import RECORD_COLUMNS, digest, listed, receipt_json, record_rows, short
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from medrec_py.client import Emergency

_Subject = Annotated[str | None, typer.Option("--subject", "-s", help="Which of the patient's addresses.")]
_Of = Annotated[str, typer.Argument(metavar="SUBJECT", help="The patient's address.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    emergency = typer.Typer(help="Access that is prepared for emergencies.", no_args_is_help=True)
    app.add_typer(emergency, name="emergency", rich_help_panel=panel)
    _add_preparing(emergency)
    _add_declaring(emergency)


# ── emergencies ──


def _add_preparing(app: typer.Typer) -> None:
    @command(
        app, "prepare", example="medrec emergency prepare hospice friend sister -c allergies,medications -a patient"
    )
    def prepare(
        session: Session,
        people: People,
        classes: Annotated[
            list[str], typer.Option("--classes", "-c", help="Codes of classes, separated by commas, or all.")
        ],
        threshold: Threshold = 2,
        label: Label = "",
        until: Annotated[str | None, typer.Option("--until", help="Until when; until it is withdrawn.")] = None,
        records_from: Annotated[str | None, typer.Option("--records-from", help="First day covered.")] = None,
        subject: _Subject = None,
        language: Annotated[str, typer.Option("--language", help="Of the sentence that the wallet shows.")] = "en",
    ) -> Shown:
        """Prepare what may be seen in an emergency, under a key that custodians hold shares of."""
        grant = session.patient.emergency.prepare(
            listed(classes) or [],
            named_people(session, people),
            threshold=threshold,
            label=label,
            until=until,
            records_from=records_from,
            subject=given_address(session, subject),
            language=language,  # type: ignore[arg-type]
        )
        return Shown(grant.to_json(), lambda: [output.done("It is prepared."), grant.terms.statement])

    @command(app, "withdraw", example="medrec emergency withdraw -a patient")
    def withdraw(session: Session, subject: _Subject = None) -> Shown:
        """Take back what is prepared, and end what was declared under it."""
        receipts = session.patient.emergency.withdraw(subject=given_address(session, subject))
        return Shown(
            {"transactions": [receipt_json(one) for one in receipts]},
            lambda: [output.done("Nothing is prepared any more.")],
        )

    @command(app, "plans", example="medrec emergency plans -a patient")
    def plans(session: Session) -> Shown:
        """Show what the patient prepared, and with whom."""
        found = session.patient.emergency.plans()
        rows = [
            [short(one.grant.subject), f"{one.threshold} of {len(one.custodians)}", "used" if one.is_used else "fresh"]
            for one in found
        ]
        return Shown(
            {"plans": [one.to_json() for one in found]},
            lambda: [output.table(("Subject", "Custodians", "Key"), rows, empty="Nothing is prepared.")],
        )

    @command(app, "list", example="medrec emergency list --as provider -a ward")
    def list_(
        session: Session, role: Annotated[Role, typer.Option("--as", help="patient or provider.")] = Role.patient
    ) -> Shown:
        """List the emergencies that were declared: who, when, why, and who released a share."""
        if role is Role.viewer:
            raise InvalidInput("A viewer declares no emergencies.", hint="Say --as patient or --as provider.")
        found = session.patient.emergency.declarations() if role is Role.patient else session.provider.emergencies()
        return _emergencies(found)


def _add_declaring(app: typer.Typer) -> None:
    @command(app, "declare", example=f"medrec emergency declare {EXAMPLE} --reason 'unconscious' -a ward")
    def declare(
        session: Session,
        subject: _Of,
        reason: Annotated[str, typer.Option("--reason", help="Why; the patient and the custodians read it.")],
        hours: Annotated[float, typer.Option("--hours", help="How long, 72 at most.")] = 24,
    ) -> Shown:
        """Declare an emergency, as an accredited emergency provider."""
        made = session.provider.declare_emergency(session.address(subject), reason=reason, hours=hours)
        return Shown(
            {"emergency": made.to_json()},
            lambda: [output.done(f"Declared: 0x{made.id.hex()}. Ask the custodians to release their shares.")],
        )

    @command(app, "records", example=f"medrec emergency records {EXAMPLE} -a ward")
    def records(
        session: Session,
        subject: _Of,
        classes: Annotated[
            list[str] | None, typer.Option("--classes", "-c", help="Codes of classes.", show_default="all permitted")
        ] = None,
        records_from: Annotated[str | None, typer.Option("--records-from", help="First day.")] = None,
        records_until: Annotated[str | None, typer.Option("--records-until", help="Last day.")] = None,
    ) -> Shown:
        """Read what the patient prepared, once enough custodians have released their shares."""
        reading = session.provider.emergency_records(
            session.address(subject), classes=listed(classes), records_from=records_from, records_until=records_until
        )
        document = {
            "records": [one.to_json() for one in reading.records],
            "faults": [one.to_json() for one in reading.faults],
        }
        rows = record_rows(reading.records)
        parts = [output.table(RECORD_COLUMNS, rows, empty="There are none.")]
        parts += [f"Not readable: {one.sentence}" for one in reading.faults]
        return Shown(document, lambda: parts)

    @command(app, "requests", example="medrec emergency requests -a sister")
    def requests(session: Session) -> Shown:
        """List the emergencies for which this custodian holds a share."""
        return _emergencies(session.custodian.requests())

    @command(app, "release", example=f"medrec emergency release {'3f' * 32} -a sister")
    def release(
        session: Session, emergency: Annotated[str, typer.Argument(help="The emergency's id, 64 hexadecimal digits.")]
    ) -> Shown:
        """Release this custodian's share for a declared emergency."""
        return done("The share is released.", session.custodian.release(digest(emergency, "id")))


def _emergencies(found: list[Emergency]) -> Shown:
    rows = [
        [
            "0x" + one.id.hex()[:16] + "…",
            one.provider_name or short(one.provider),
            one.reason or "—",
            "stands" if one.stands else "over",
            len(one.released_by),
        ]
        for one in found
    ]
    columns = ("Emergency", "Provider", "Reason", "State", "Released#")
    return Shown(
        {"emergencies": [one.to_json() for one in found]},
        lambda: [output.table(columns, rows, empty="There are none.")],
    )
