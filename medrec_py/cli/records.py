"""Commands about records: publishing, reading, retracting, exporting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import RECORD_COLUMNS, counted, digest, listed, receipt_json, record_rows, source, write_ndjson
from medrec_py.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrec_py.client import Fault, ReadRecord

_Classes = Annotated[
    list[str] | None,
    typer.Option("--classes", "-c", help="Codes of classes, separated by commas.", show_default="all"),
]
_From = Annotated[str | None, typer.Option("--from", help="Only records of this day or later, YYYY-MM-DD.")]
_Until = Annotated[str | None, typer.Option("--until", help="Only records of this day or earlier.")]
_Subject = Annotated[str | None, typer.Option("--subject", "-s", help="A patient's address.")]
_Out = Annotated[
    str | None, typer.Option("--out", "-o", help="Write the resources as NDJSON to this file; - for stdout.")
]
_AnyPatient = Annotated[bool, typer.Option("--any-patient", help="Accept resources of more than one patient.")]
_Key = Annotated[
    str | None, typer.Option("--key", help="A name of yours: repeated after a crash, it is published once.")
]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""

    @command(
        app,
        "publish",
        example="medrec publish bundle.json.gz -s 0x52908400098527886E0F7030069857D2E4169EE7 -a hospital",
        panel=panel,
    )
    def publish(
        session: Session,
        file: Annotated[str, typer.Argument(help="A FHIR R4 Bundle, resource or NDJSON, gzipped or not; - for stdin.")],
        subject: _Subject = None,
        any_patient: _AnyPatient = False,
        key: _Key = None,
        role: Annotated[
            Role, typer.Option("--as", help="provider, or patient for records of your own.")
        ] = Role.provider,
    ) -> Shown:
        """Seal, store and anchor the records of one patient, in one transaction."""
        if role is Role.patient:
            publication = session.patient.publish(source(file), any_patient=any_patient, key=key)
        elif subject is None:
            raise InvalidInput("No patient was named.", hint="Name one: --subject ADDRESS (`medrec relationships`).")
        else:
            with session.progress() as report:
                publication = session.provider.publish(
                    session.address(subject), source(file), any_patient=any_patient, key=key, progress=report
                )
        return Shown(publication.to_json(), lambda: _publication(publication))

    @command(
        app,
        "publish-many",
        example="medrec publish-many 0x52908400098527886E0F7030069857D2E4169EE7=one.json -a hospital",
        panel=panel,
    )
    def publish_many(
        session: Session,
        records: Annotated[
            list[str], typer.Argument(help="SUBJECT=FILE, for each patient.", metavar="SUBJECT=FILE...")
        ],
        key: _Key = None,
    ) -> Shown:
        """Publish records of many patients under one Merkle root, in one transaction."""
        sources: dict[str, Any] = {}
        for item in records:
            subject, mark, file = item.partition("=")
            if not mark:
                raise InvalidInput(f"{item!r} is no pair.", hint="Write SUBJECT=FILE.", value=item)
            sources[session.address(subject)] = source(file)
        with session.progress() as report:
            publications = session.provider.publish_many(sources, key=key, progress=report)
        rows = [
            [subject, item.records, item.parcels, f"{item.sealed_bytes:,}"] for subject, item in publications.items()
        ]
        return Shown(
            {"publications": {subject: item.to_json() for subject, item in publications.items()}},
            lambda: [output.table(("Subject", "Records#", "Parcels#", "Sealed bytes#"), rows, empty="Nothing.")],
        )

    @command(
        app,
        "retract",
        example=f"medrec retract 0x52908400098527886E0F7030069857D2E4169EE7 {'1f' * 32} -a hospital",
        panel=panel,
    )
    def retract(
        session: Session,
        subject: Annotated[str, typer.Argument(help="The patient's address.")],
        parcel: Annotated[str, typer.Argument(help="Digest of the parcel, 64 hexadecimal digits.")],
        replacement: Annotated[
            str | None, typer.Option("--replacement", help="Digest of the parcel that supersedes it.")
        ] = None,
    ) -> Shown:
        """Declare a parcel entered in error, as its author. Nothing is deleted."""
        superseding = bytes(32) if replacement is None else digest(replacement, "digest")
        receipt = session.provider.retract(session.address(subject), digest(parcel, "digest"), replacement=superseding)
        return Shown(receipt_json(receipt), lambda: [output.done("The parcel is marked as entered in error.")])

    @command(app, "records", example="medrec records --classes laboratory --from 2020-01-01 -a patient", panel=panel)
    def records(
        session: Session,
        subject: _Subject = None,
        classes: _Classes = None,
        records_from: _From = None,
        records_until: _Until = None,
        out: _Out = None,
        role: Annotated[Role, typer.Option("--as", help="patient, or provider for what it wrote.")] = Role.patient,
    ) -> Shown:
        """Show the patient's own records, or what a provider wrote, opened here and checked against the ledger."""
        if role is Role.provider:
            from medrec_py.client.window import window_from

            if subject is None:
                raise InvalidInput("No patient was named.", hint="Name one: --subject ADDRESS.")
            window = window_from(listed(classes), records_from, records_until)
            found = session.provider.records(session.address(subject), window=window)
        else:
            found = session.patient.records(
                classes=listed(classes),
                records_from=records_from,
                records_until=records_until,
                subject=None if subject is None else session.address(subject),
            )
        return _records(session, found, found.faults, out)

    @command(app, "read", example="medrec read --classes laboratory --purpose TREAT -a clinic", panel=panel)
    def read(
        session: Session,
        subject: _Subject = None,
        classes: _Classes = None,
        purpose: Annotated[
            str, typer.Option("--purpose", "-p", help="What for: a code of HL7 PurposeOfUse.")
        ] = "TREAT",
        operation: Annotated[str, typer.Option("--operation", help="READ, QUERY, DERIVE, EXPORT or TRAIN.")] = "READ",
        records_from: _From = None,
        records_until: _Until = None,
        grant: Annotated[str | None, typer.Option("--grant", "-g", help="Use this grant only.")] = None,
        agent: Annotated[str | None, typer.Option("--agent", help="Address of the software that asks.")] = None,
        out: _Out = None,
    ) -> Shown:
        """Read what grants permit, as a viewer; the chain is asked before anything is opened."""
        from medrec_py.cli.words import operations
        from medrec_py.types.terms import ZERO_ADDRESS

        viewer = session.viewer
        reading = viewer.read(
            classes=listed(classes),
            purpose=purpose,
            operation=operations([operation]),
            records_from=records_from,
            records_until=records_until,
            subject=None if subject is None else session.address(subject),
            grant=None if grant is None else session.grant_id(grant, viewer.grants()),
            agent=ZERO_ADDRESS if agent is None else session.address(agent),
        )
        return _records(session, reading.records, reading.faults, out)

    @command(
        app,
        "can-open",
        example=f"medrec can-open {'1f' * 32} -s 0x52908400098527886E0F7030069857D2E4169EE7 -a clinic",
        panel=panel,
    )
    def can_open(
        session: Session,
        parcel: Annotated[str, typer.Argument(help="Digest of the parcel, 64 hexadecimal digits.")],
        subject: Annotated[str, typer.Option("--subject", "-s", help="The patient's address.")],
    ) -> Shown:
        """Tell whether any key that this viewer ever received opens a parcel, whatever the rules say."""
        opens = session.viewer.can_open(digest(parcel, "digest"), subject=session.address(subject))
        sentence = "A key that it received opens it." if opens else "No key that it ever received opens it."
        return Shown({"opens": opens}, lambda: [sentence])

    @command(app, "export", example="medrec export everything.json -a patient", panel=panel)
    def export(
        session: Session, file: Annotated[str, typer.Argument(help="File for the Bundle; the history goes beside it.")]
    ) -> Shown:
        """Write everything the patient has into one FHIR Bundle, and the history beside it."""
        written = session.patient.export(file)
        # A number of faults: what they are stands in the history.
        return Shown(
            written,
            lambda: [
                output.done(f"{counted(written['records'], 'record')} in {written['bundle']}"),
                output.facts(written),
            ],
            code=1 if written["faults"] else 0,
        )


def _records(session: Session, found: Sequence[ReadRecord], faults: Sequence[Fault], out: str | None) -> Shown:
    """Records, or where they were written; what should be among them and is not makes the command end with 1."""
    document: dict[str, Any] = {"faults": [fault.to_json() for fault in faults]}
    code = 1 if faults else 0
    unread = [output.failed(f"{fault.kind} {fault.where}: {fault.sentence}") for fault in faults]
    if out is not None and not (out == "-" and session.options.json):
        write_ndjson(found, out)
        written = [] if out == "-" else [output.done(f"{counted(len(found), 'resource')} in {out}")]
        return Shown({"records": len(found), "out": out, **document}, lambda: [*written, *unread], code)
    return Shown(
        {"records": [item.to_json() for item in found], **document},
        lambda: [
            output.table(RECORD_COLUMNS, record_rows(found), empty="There are none."),
            counted(len(found), "record"),
            *unread,
        ],
        code,
    )


def _publication(publication: Any) -> list[Any]:  # noqa: ANN401 (a `Publication`, which is not imported for the help)
    rows = [[code, count] for code, count in publication.by_class.items()]
    notices = [f"{notice.where}: {notice.message}" for notice in publication.notices]
    pending = "  Sealed to the patient alone until keys are changed." if publication.pending_rekey else ""
    return [
        output.done(
            f"{counted(publication.records, 'record')} in {counted(publication.parcels, 'parcel')}, "
            f"{publication.sealed_bytes:,} bytes sealed, {publication.gas_used:,} gas.{pending}"
        ),
        output.table(("Class", "Records#"), rows, empty=""),
        *notices,
    ]
