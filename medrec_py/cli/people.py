"""Commands about people: registering, accrediting, inviting, accepting, closing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import digest, listed, outcome_json, receipt_json, short, text_from
from medrec_py.errors import InvalidInput, InvitationInvalid

_Participant = Annotated[str, typer.Argument(help="Address, or name of an account.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""

    @command(app, "register", example="medrec register --account hospital --name 'General Hospital'", panel=panel)
    def register(
        session: Session,
        name: Annotated[str, typer.Option("--name", help="What others see; nobody vouches for it.")] = "",
        fact: Annotated[
            list[str] | None, typer.Option("--fact", help="A further public fact, KEY=VALUE. May be repeated.")
        ] = None,
    ) -> Shown:
        """Publish this account's key, so that others can seal to it."""
        receipt = session.viewer.register(name=name, **_facts(fact or []))
        return Shown(
            {"participant": session.viewer.address, **receipt_json(receipt)},
            lambda: [output.done(f"{session.viewer.address} is registered ({receipt.gas_used:,} gas).")],
        )

    @command(app, "accredit", example="medrec accredit hospital --role provider", panel=panel)
    def accredit(
        session: Session,
        participant: _Participant,
        role: Annotated[
            list[str] | None,
            typer.Option("--role", help="provider, gateway or emergency. May be repeated.", show_default="provider"),
        ] = None,
        until: Annotated[str | None, typer.Option("--until", help="When it ends.", show_default="in two years")] = None,
        credential: Annotated[
            str | None, typer.Option("--credential", help="Digest of the evidence, 64 hexadecimal digits.")
        ] = None,
    ) -> Shown:
        """Vouch for a registered participant, as the registrar."""
        address = session.address(participant)
        evidence = bytes(32) if credential is None else digest(credential, "digest")
        outcome = session.registrar.accredit(address, listed(role) or ("provider",), until=until, credential=evidence)
        return _administered(f"{address} is accredited", {"participant": address, **outcome_json(outcome)})

    @command(app, "withdraw-accreditation", example="medrec withdraw-accreditation hospital", panel=panel)
    def withdraw_accreditation(session: Session, participant: _Participant) -> Shown:
        """Stop vouching for a participant, as the registrar."""
        address = session.address(participant)
        outcome = session.registrar.withdraw_accreditation(address)
        return _administered(f"{address} is no longer accredited", {"participant": address, **outcome_json(outcome)})

    @command(app, "publish-vocabulary", example="medrec publish-vocabulary", panel=panel)
    def publish_vocabulary(
        session: Session,
        hash: Annotated[
            str | None,
            typer.Argument(help="Hash of the table, 64 hexadecimal digits.", show_default="the one shipped here"),
        ] = None,
    ) -> Shown:
        """Publish the hash of a table of classes and purposes, as the registrar."""
        from medrec_py.types.vocabulary import VOCABULARY

        vocabulary = VOCABULARY.hash if hash is None else digest(hash, "hash")
        outcome = session.registrar.publish_vocabulary(vocabulary)
        return _administered("The vocabulary is published", {"vocabulary": vocabulary, **outcome_json(outcome)})

    @command(app, "invite", example="medrec invite 0x52908400098527886E0F7030069857D2E4169EE7 -a hospital", panel=panel)
    def invite(
        session: Session,
        subject: Annotated[str, typer.Argument(help="The address that the patient's wallet shows (next-subject).")],
        days: Annotated[float, typer.Option("--days", help="How long it stands.")] = 30,
        out: Annotated[str | None, typer.Option("--out", "-o", help="File for the invitation.")] = None,
    ) -> Shown:
        """Sign an invitation for a patient, as a provider; nothing goes on chain."""
        invitation = session.provider.invite(session.address(subject), days=days)
        document = invitation.to_json()
        if out is not None:
            Path(out).write_text(json.dumps(document, indent=1) + "\n", "utf-8")

        def parts() -> list[Any]:
            if out is not None:
                return [output.done(f"The invitation is in {out}. The patient accepts it: medrec accept {out}")]
            return [json.dumps(document)]

        return Shown(document, parts)

    @command(app, "next-subject", example="medrec next-subject --account patient", panel=panel)
    def next_subject(session: Session) -> Shown:
        """Show the address to give to the next provider, as a patient."""
        subject = session.patient.next_subject()
        return Shown({"subject": subject}, lambda: [subject])

    @command(app, "accept", example="medrec accept invitation.json --account patient", panel=panel)
    def accept(
        session: Session,
        invitation: Annotated[str, typer.Argument(help="The invitation's file; - for standard input.")],
    ) -> Shown:
        """Accept an invitation, as a patient: the relationship opens."""
        from medrec_py.client import Invitation

        try:
            document = json.loads(text_from(invitation))
        except (ValueError, RecursionError) as error:
            raise InvitationInvalid(f"{invitation} is not JSON.") from error
        given = Invitation.from_json(document)
        receipt = session.patient.accept(given)
        return Shown(
            {"subject": given.subject, "provider": given.provider, **receipt_json(receipt)},
            lambda: [output.done(f"The relationship of {given.subject} with {given.provider} is open.")],
        )

    @command(app, "subjects", example="medrec subjects --account patient", panel=panel)
    def subjects(session: Session) -> Shown:
        """List the patient's own addresses."""
        found = session.patient.subjects()
        return Shown({"subjects": found}, lambda: found)

    @command(app, "relationships", example="medrec relationships --account patient", panel=panel)
    def relationships(
        session: Session, role: Annotated[Role, typer.Option("--as", help="patient or provider.")] = Role.patient
    ) -> Shown:
        """List relationships, closed ones included."""
        found = _patient_or_provider(session, role).relationships()
        rows = [
            [
                item.subject,
                item.provider_name or short(item.provider),
                item.number,
                "open" if item.is_open else "closed",
            ]
            for item in found
        ]
        return Shown(
            {"relationships": [item.to_json() for item in found]},
            lambda: [output.table(("Subject", "Provider", "No.#", "State"), rows, empty="There are none.")],
        )

    @command(
        app, "close", example="medrec close 0x52908400098527886E0F7030069857D2E4169EE7 hospital -a patient", panel=panel
    )
    def close(
        session: Session,
        subject: Annotated[str, typer.Argument(help="The patient's address in the relationship.")],
        provider: Annotated[str | None, typer.Argument(help="The provider, when the patient closes.")] = None,
        role: Annotated[Role, typer.Option("--as", help="patient or provider.")] = Role.patient,
    ) -> Shown:
        """End a relationship, as either side. What was written stays readable for the patient."""
        address = session.address(subject)
        if role is Role.provider:
            receipt = session.provider.close(address)
        elif provider is None:
            raise InvalidInput("No provider was named.", hint="Name whose relationship ends: close SUBJECT PROVIDER.")
        else:
            receipt = _patient_or_provider(session, role).close(address, session.address(provider))
        return Shown(
            {"subject": address, **receipt_json(receipt)}, lambda: [output.done("The relationship is closed.")]
        )


def _patient_or_provider(session: Session, role: Role) -> Any:  # noqa: ANN401 (either role)
    if role is Role.viewer:
        raise InvalidInput("A viewer has no relationships.", hint="Say --as patient or --as provider.")
    return session.patient if role is Role.patient else session.provider


def _administered(sentence: str, document: dict[str, Any]) -> Shown:
    if "executable_at" in document:
        from medrec_py.types.moments import iso

        when = iso(document["executable_at"])
        return Shown(document, lambda: [output.done(f"Announced. From {when} on the same command carries it out.")])
    return Shown(document, lambda: [output.done(f"{sentence} ({document['gas_used']:,} gas).")])


def _facts(given: list[str]) -> dict[str, str]:
    facts = {}
    for fact in given:
        name, mark, value = fact.partition("=")
        if not mark or not name.isidentifier():
            raise InvalidInput(f"{fact!r} is no fact.", hint="Write it as KEY=VALUE.", fact=fact)
        facts[name] = value
    return facts
