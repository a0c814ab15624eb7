"""Commands about delegates, and about moving to another wallet."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.hands import EXAMPLE, done, given_address, span
from medrec_py.cli.options import Role, command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import digest, listed, short

_Subject = Annotated[str | None, typer.Option("--subject", "-s", help="Which of the patient's addresses.")]
_Of = Annotated[str, typer.Argument(metavar="SUBJECT", help="The patient's address.")]
_Grant = Annotated[str, typer.Argument(help="The grant's id, 64 hexadecimal digits.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    delegate = typer.Typer(help="Who may withdraw in a patient's name: a parent, a proxy.", no_args_is_help=True)
    app.add_typer(delegate, name="delegate", rich_help_panel=panel)
    _add_delegates(delegate)
    _add_moving(app, panel)


# ── delegates ──


def _add_delegates(app: typer.Typer) -> None:
    @command(app, "name", example="medrec delegate name parent --until 2031-08-01 -a patient")
    def name(
        session: Session,
        delegate: Annotated[str, typer.Argument(help="Who: an address, or the name of an account.")],
        until: Annotated[str, typer.Option("--until", help="When it ends; rounded down to a month's first day.")],
        subject: _Subject = None,
    ) -> Shown:
        """Let somebody revoke, suspend and close in the patient's name."""
        address = session.address(delegate)
        receipt = session.patient.delegates.name(address, until=until, subject=given_address(session, subject))
        return done(f"{address} may withdraw in the patient's name.", receipt, delegate=address)

    @command(app, "dismiss", example="medrec delegate dismiss parent -a patient")
    def dismiss(
        session: Session,
        delegate: Annotated[str, typer.Argument(help="Who: an address, or the name of an account.")],
        subject: _Subject = None,
    ) -> Shown:
        """End a delegation, as the patient."""
        address = session.address(delegate)
        receipt = session.patient.delegates.dismiss(address, subject=given_address(session, subject))
        return done(f"{address} may no longer act in the patient's name.", receipt, delegate=address)

    @command(app, "list", example="medrec delegate list --as viewer -a parent")
    def list_(
        session: Session,
        role: Annotated[Role, typer.Option("--as", help="patient, or viewer for a delegate.")] = Role.patient,
    ) -> Shown:
        """List a patient's delegates, or in whose name this account may act."""
        found = session.patient.delegates.list() if role is Role.patient else session.viewer.delegations()
        rows = [[one.subject, one.name or short(one.delegate), "yes" if one.is_active else "no"] for one in found]
        return Shown(
            {"delegations": [one.to_json() for one in found]},
            lambda: [output.table(("Subject", "Delegate", "Active"), rows, empty="There are none.")],
        )

    @command(
        app, "after-silence", example="medrec delegate after-silence sister --silence 180d --notice 14d -a patient"
    )
    def after_silence(
        session: Session,
        delegate: Annotated[str, typer.Argument(help="Who: an address, or the name of an account.")],
        silence: Annotated[str, typer.Option("--silence", help="Time without a sign of life: 180d, 12h, or seconds.")],
        notice: Annotated[str, typer.Option("--notice", help="Time for a veto, once the delegate says so.")] = "14d",
        classes: Annotated[
            list[str] | None, typer.Option("--classes", "-c", help="Codes of classes.", show_default="all")
        ] = None,
        until: Annotated[str | None, typer.Option("--until", help="When it ends; until revoked by default.")] = None,
        delegations: Annotated[int, typer.Option("--delegations", help="How often it is passed on.", min=1)] = 1,
        subject: _Subject = None,
        language: Annotated[str, typer.Option("--language", help="Of the sentence that the wallet shows.")] = "en",
    ) -> Shown:
        """Let somebody act when the patient gives no sign of life: a grant that works only then.

        Its keys are handed over with it: the silence is a rule, not a lock.
        """
        address = session.address(delegate)
        grant = session.patient.delegates.after_silence(
            address,
            silence=span(silence),
            notice=span(notice),
            classes=listed(classes) or "all",
            until=until,
            delegations=delegations,
            subject=given_address(session, subject),
            language=language,  # type: ignore[arg-type]
        )
        sentence = f"After {silence} of silence and {notice} of notice, {address} may act. It ends by: medrec revoke"
        return Shown(grant.to_json(), lambda: [output.done(sentence), f"Grant {grant.id.hex()}"])

    @command(app, "switches", example="medrec delegate switches -a patient")
    def switches(
        session: Session,
        role: Annotated[Role, typer.Option("--as", help="patient, or viewer for a delegate.")] = Role.patient,
    ) -> Shown:
        """List what opens after a silence: the patient's own, or what opens to this account."""
        found = session.patient.delegates.switches() if role is Role.patient else session.viewer.switches()
        rows = [[short(one.subject), one.name or short(one.delegate), _when(one)] for one in found]
        return Shown(
            {"switches": [one.to_json() for one in found]},
            lambda: [output.table(("Subject", "Delegate", "State"), rows, empty="There are none.")],
        )

    @command(app, "life-sign", example="medrec delegate life-sign -a patient")
    def life_sign(session: Session, subject: _Subject = None) -> Shown:
        """Give a sign of life, which closes what a delegate has announced."""
        receipt = session.patient.delegates.life_sign(subject=given_address(session, subject))
        return done("A sign of life is given; nothing opens to a delegate.", receipt)

    @command(app, "announce-for", example=f"medrec delegate announce-for {EXAMPLE} -a sister")
    def announce_for(session: Session, subject: _Of) -> Shown:
        """Say that a subject gives no sign of life; after the notice its grant works, unless one comes."""
        return done("It is announced; the notice runs.", session.viewer.announce_for(session.address(subject)))

    @command(app, "revoke-for", example=f"medrec delegate revoke-for {EXAMPLE} {'3f' * 32} -a parent")
    def revoke_for(session: Session, subject: _Of, grant: _Grant) -> Shown:
        """Withdraw a grant in a subject's name."""
        receipt = session.viewer.revoke_for(session.address(subject), digest(grant, "id"))
        return done("The grant is withdrawn.", receipt)

    @command(app, "suspend-for", example=f"medrec delegate suspend-for {EXAMPLE} {'3f' * 32} -a parent")
    def suspend_for(session: Session, subject: _Of, grant: _Grant) -> Shown:
        """Pause a grant in a subject's name."""
        receipt = session.viewer.suspend_for(session.address(subject), digest(grant, "id"))
        return done("The grant is suspended.", receipt)

    @command(app, "revoke-agent-for", example=f"medrec delegate revoke-agent-for {EXAMPLE} {'3f' * 32} -a parent")
    def revoke_agent_for(session: Session, subject: _Of, grant: _Grant) -> Shown:
        """Dismiss the agent of a grant in a subject's name."""
        receipt = session.viewer.revoke_agent_for(session.address(subject), digest(grant, "id"))
        return done("The agent is dismissed.", receipt)

    @command(app, "close-for", example=f"medrec delegate close-for {EXAMPLE} hospital -a parent")
    def close_for(
        session: Session, subject: _Of, provider: Annotated[str, typer.Argument(help="Whose relationship ends.")]
    ) -> Shown:
        """End a relationship in a subject's name."""
        receipt = session.viewer.close_for(session.address(subject), session.address(provider))
        return done("The relationship is closed.", receipt)

    @command(app, "resign", example=f"medrec delegate resign {EXAMPLE} -a parent")
    def resign(session: Session, subject: _Of) -> Shown:
        """Give up being a subject's delegate."""
        return done("The delegation is over.", session.viewer.resign(session.address(subject)))


def _when(switch: Any) -> str:  # noqa: ANN401 (medrec_py.client.silence.Switch, which is imported when it is needed)
    from medrec_py.types.moments import iso

    if switch.is_open:
        return "open"
    if switch.opens_at:
        return f"announced; opens at {iso(switch.opens_at)}"
    return f"closed; can be announced from {iso(switch.silent_at)}"


# ── other wallets ──


def _add_moving(app: typer.Typer, panel: str) -> None:
    @command(app, "move", example="medrec move new-wallet -a patient", panel=panel)
    def move(
        session: Session,
        new: Annotated[str, typer.Argument(help="The new wallet: a named account, or a key file.")],
        subject: _Subject = None,
        to_wallet_mode: Annotated[
            bool, typer.Option("--to-wallet-mode", help="The new wallet's own address is the subject.")
        ] = False,
    ) -> Shown:
        """Move relationships, grants and records to another wallet. Repeat it until nothing is pending."""
        heir = session.other_patient(new, wallet_mode=to_wallet_mode)
        return _move(session.patient.moving.to(heir, subject=given_address(session, subject)))

    @command(app, "settle", example="medrec settle -a new-wallet", panel=panel)
    def settle(session: Session, subject: _Subject = None) -> Shown:
        """Move what this wallet inherited to addresses of its own. Repeat it until nothing is pending."""
        return _move(session.patient.moving.settle(subject=given_address(session, subject)))

    @command(app, "inherit", example="medrec inherit old-root.json --reason unsteady -a patient", panel=panel)
    def inherit(
        session: Session,
        file: Annotated[str, typer.Argument(help="Encrypted file of the other wallet's root key.")],
        reason: Annotated[str, typer.Option("--reason", help="recovery, move or unsteady.")] = "recovery",
        wallet: Annotated[
            str | None, typer.Option("--wallet", help="The other wallet's address, if that was the subject.")
        ] = None,
    ) -> Shown:
        """Take over another wallet's root from its file."""
        receipt = session.patient.inherit(
            session.keyring.root(file), reason=reason, wallet=given_address(session, wallet)
        )
        return done("The root is inherited.", receipt)

    @command(app, "follow", example="medrec follow -a hospital", panel=panel)
    def follow(session: Session) -> Shown:
        """Follow patients who go on at another address, as a provider."""
        found = session.provider.follow()
        rows = [[one.subject, one.number] for one in found]
        return Shown(
            {"relationships": [one.to_json() for one in found]},
            lambda: [output.table(("Subject", "No.#"), rows, empty="Nobody has moved.")],
        )


def _move(move: Any) -> Shown:  # noqa: ANN401 (medrec_py.client.moving.Move, which is imported when it is needed)
    rows = [
        [
            short(one.subject),
            one.provider_name or short(one.provider),
            short(one.successor) if one.successor else "—",
            "followed" if one.is_followed else "announced",
            "closed" if one.is_closed else "open",
        ]
        for one in move.relationships
    ]

    def parts() -> list[Any]:
        columns = ("From", "Provider", "To", "State", "Old one")
        lines: list[Any] = [output.table(columns, rows, empty="There are no relationships.")]
        lines += [f"Pending: {sentence}" for sentence in move.pending]
        return lines if move.pending else [*lines, output.done("Nothing is pending.")]

    return Shown(move.to_json(), parts)
