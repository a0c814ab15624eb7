"""Commands about guardians: for patients, for guardians, and for new wallets."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.hands import EXAMPLE, Label, People, Threshold, done, named_people, span
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.cli.words import counted

_Ward = Annotated[str, typer.Argument(help="The owner's recovery address (wards).")]
_Heir = Annotated[str, typer.Argument(help="Who takes over: an address, or the name of an account.")]


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    guardian = typer.Typer(help="Getting the records back when a wallet is lost.", no_args_is_help=True)
    app.add_typer(guardian, name="guardian", rich_help_panel=panel)
    _add_plans(guardian)
    _add_guardians(guardian)


# ── guardians ──


def _add_plans(app: typer.Typer) -> None:
    @command(
        app,
        "appoint",
        example="medrec guardian appoint sister=0x52908400098527886E0F7030069857D2E4169EE7 "
        "friend=0x8617E340B3D01FA5F11F306F4090FD50E238070D --notice 7d -a patient",
    )
    def appoint(
        session: Session,
        people: People,
        threshold: Threshold = 2,
        notice: Annotated[str, typer.Option("--notice", help="Time for a veto: 7d, 12h, or seconds.")] = "7d",
        silence: Annotated[
            str, typer.Option("--silence", help="Time without a sign of life before anybody can be announced.")
        ] = "0",
        label: Label = "",
    ) -> Shown:
        """Split the wallet's root among guardians, as the patient."""
        receipt = session.patient.guardians.appoint(
            named_people(session, people), threshold=threshold, notice=span(notice), silence=span(silence), label=label
        )
        owner = session.patient.guardians.owner
        return done(
            f"{counted(len(people), 'guardian')} of {owner}, of whom {threshold} are needed.", receipt, owner=owner
        )

    @command(app, "plan", example="medrec guardian plan -a patient")
    def plan(session: Session) -> Shown:
        """Show the patient's plan, and who was announced."""
        found = session.patient.guardians.plan()
        if found is None:
            return Shown({"plan": None}, lambda: ["There is no plan."])
        people = [[name, address] for address, name in found.guardians]

        def parts() -> list[Any]:
            from medrec_py.types.moments import iso

            lines: list[Any] = [f"Recovery address {found.owner}, last sign of life {iso(found.last_sign_at)}."]
            lines.append(output.table(("Name", "Guardian"), people, empty="The patient's own copy can't be had."))
            for one in found.announcements:
                lines.append(
                    f"{one.heir} was announced; it opens at {iso(one.opens_at)}. A veto: medrec guardian life-sign"
                )
            return lines

        return Shown({"plan": found.to_json()}, parts)

    @command(app, "life-sign", example="medrec guardian life-sign -a patient")
    def life_sign(session: Session) -> Shown:
        """Give a sign of life, which is the veto against every announcement."""
        return done("A sign of life is given; no announcement stands.", session.patient.guardians.life_sign())

    @command(app, "end", example="medrec guardian end -a patient")
    def end(session: Session) -> Shown:
        """End the patient's plan. Guardians keep their shares."""
        return done("The plan is ended.", session.patient.guardians.end())

    @command(app, "recoveries", example="medrec guardian recoveries -a new-wallet")
    def recoveries(session: Session) -> Shown:
        """List the plans that name this wallet as heir."""
        found = session.patient.guardians.recoveries()
        rows = [
            [one.owner, "yes" if one.is_open else "no", f"{one.released} of {one.threshold or '?'}"] for one in found
        ]
        return Shown(
            {"recoveries": [one.to_json() for one in found]},
            lambda: [output.table(("Owner", "Open", "Shares"), rows, empty="There are none.")],
        )

    @command(app, "recover", example=f"medrec guardian recover {EXAMPLE} -a new-wallet")
    def recover(
        session: Session, owner: Annotated[str, typer.Argument(help="The lost wallet's recovery address.")]
    ) -> Shown:
        """Put the released shares together and take over the lost wallet's records, as the new wallet."""
        receipt = session.patient.guardians.recover(session.address(owner))
        return done("The records are this wallet's now. Move them on: medrec settle", receipt)


def _add_guardians(app: typer.Typer) -> None:
    @command(app, "wards", example="medrec guardian wards -a sister")
    def wards(session: Session) -> Shown:
        """List whose guardian this account is."""
        found = session.guardian.wards()
        rows = [[one.label, one.owner, one.threshold, len(one.announcements)] for one in found]
        return Shown(
            {"wards": [one.to_json() for one in found]},
            lambda: [
                output.table(("Ward", "Recovery address", "Needed#", "Announced#"), rows, empty="There are none.")
            ],
        )

    @command(app, "announce", example=f"medrec guardian announce {EXAMPLE} new-wallet -a sister")
    def announce(session: Session, ward: _Ward, heir: _Heir) -> Shown:
        """Say that the owner can't act, and who takes over unless the owner gives a sign of life."""
        receipt = session.guardian.announce(session.address(ward), session.address(heir))
        return done("The heir is announced; the notice runs.", receipt)

    @command(app, "release", example=f"medrec guardian release {EXAMPLE} new-wallet -a sister")
    def release(session: Session, ward: _Ward, heir: _Heir) -> Shown:
        """Release this guardian's share to an heir to whom the plan is open. Make sure who it is."""
        receipt = session.guardian.release(session.address(ward), session.address(heir))
        return done("The share is released.", receipt)
