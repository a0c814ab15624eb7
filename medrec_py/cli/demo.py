"""The demonstration as a command, told while it is played."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session

if TYPE_CHECKING:
    from medrec_py.chain import Account
    from medrec_py.demo import DemoReport, Step


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds the command."""

    @command(
        app,
        "demo",
        example="medrec demo --bundle patient.json.gz --html picture.html",
        panel=panel,
        network=False,
        role=False,
    )
    def demo(
        session: Session,
        bundle: Annotated[
            Path | None,
            typer.Option("--bundle", help="A FHIR R4 Bundle or NDJSON.", show_default="a synthetic patient"),
        ] = None,
        any_patient: Annotated[
            bool, typer.Option("--any-patient", help="Accept resources of more than one patient.")
        ] = False,
        rpc: Annotated[str | None, typer.Option("--rpc", help="Use this node.", show_default="in this process")] = None,
        ipfs: Annotated[
            str | None, typer.Option("--ipfs", help="With --rpc: Kubo's RPC address.", show_default="a folder")
        ] = None,
        deployment: Annotated[
            Path | None, typer.Option("--deployment", help="With --rpc: a deployment to use.", show_default="deploys")
        ] = None,
        home: Annotated[
            Path | None, typer.Option("--home", help="Keep network and accounts in this folder, to play on with.")
        ] = None,
        html: Annotated[Path, typer.Option("--html", help="Where the picture goes.")] = Path("medrec-demo.html"),
    ) -> Shown:
        """Show the whole of it: a record sealed, anchored, shared, read, revoked and verified.

        Without options it runs in this process, with no server and no account. On a development node it takes ether
        from the node; on any other chain name a funded account (--account, --keyfile, --ape), which also deploys.
        """
        from medrec_py.demo import run_demo

        teller = _Teller(is_json=session.options.json)
        report = run_demo(
            bundle,
            any_patient=any_patient,
            rpc=rpc,
            ipfs=ipfs,
            account=session.account if rpc is not None else None,
            accounts=_purse() if rpc is not None and session.account is None else None,
            deployment=deployment,
            home=home,
            html=html,
            observer=teller,
        )
        return Shown(report.to_json(), lambda: [*_ending(report), *_offer(home, rpc)], code=0 if report.ok else 1)


class _Teller:
    """Tells each step as it ends, and on a terminal which one is being played."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._status: AbstractContextManager[Any] = nullcontext()
        if not is_json:
            from rich.console import Console

            self._console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
            self._errors = Console(stderr=True, highlight=False)

    def begins(self, number: int, title: str) -> None:
        """See `medrec_py.demo.Observer`."""
        if self._is_json:
            return
        self._status = self._errors.status(f"{number}. {title} …") if sys.stderr.isatty() else nullcontext()
        self._status.__enter__()

    def progresses(self, stage: str, done: int, total: int) -> None:
        """See `medrec_py.demo.Observer`."""
        update = getattr(self._status, "update", None)
        if update is not None and total > 1:
            update(f"{stage}: {done:,} of {total:,}")

    def ends(self, step: Step) -> None:
        """See `medrec_py.demo.Observer`."""
        if self._is_json:
            return
        self._status.__exit__(None, None, None)
        for part in _step(step):
            self._console.print(part)


def _step(step: Step) -> list[Any]:
    from rich.padding import Padding
    from rich.text import Text

    mark = ("✓", "bold green") if step.ok else ("✗", "bold red")
    cost = f"  {step.seconds:.1f} s" + (f", {step.gas:,} gas" if step.gas else "")
    parts: list[Any] = [Text.assemble(mark, (f" {step.number}. {step.title}", "bold"), (cost, "dim"))]
    for sentence in step.lines:
        wrong = sentence.startswith("NOT SO")
        parts.append(Padding(Text(sentence, style="red" if wrong else ""), (0, 0, 0, 4)))
    if step.refusals:
        rows = [
            [item.who, item.asked, item.rule, f"{item.keys} of {item.parcels}", "✓" if item.is_right else "✗ WRONG"]
            for item in step.refusals
        ]
        refusals = ("Who", "Asked for", "Refused by rule", "Keys held#", "")
        parts.append(Padding(output.table(refusals, rows, empty=""), (0, 0, 0, 2)))
    if step.faults:
        rows = [
            [item.damage, item.kind or "not found", "✓" if item.is_named else "✗", "✓" if item.is_repaired else "✗"]
            for item in step.faults
        ]
        faults = ("Done on purpose", "Reported as", "Named exactly", "Repaired")
        parts.append(Padding(output.table(faults, rows, empty=""), (0, 0, 0, 2)))
    return parts


def _ending(report: DemoReport) -> list[Any]:
    rows = [
        [
            f"{step.number}. {step.title}",
            len(step.costs),
            f"{step.gas:,}",
            f"{step.calldata_bytes:,}",
            f"{step.stored_bytes:,}",
            f"{step.seconds:.1f}",
        ]
        for step in report.steps
    ]
    rows.append(
        [
            "All",
            sum(len(step.costs) for step in report.steps),
            f"{sum(step.gas for step in report.steps):,}",
            f"{sum(step.calldata_bytes for step in report.steps):,}",
            f"{sum(step.stored_bytes for step in report.steps):,}",
            f"{report.seconds:.1f}",
        ]
    )
    columns = ("Step", "Transactions#", "Gas#", "Bytes to chain#", "Bytes to store#", "Seconds#")
    came_back = f"{report.resources_out:,} of {report.resources_in:,} resources came back equal"
    verdict = output.done if report.ok else output.failed
    parts: list[Any] = ["", output.table(columns, rows, empty=""), verdict(f"{came_back}, on {report.chain}.")]
    if report.page is not None:
        parts.append(f"The picture of it: {report.page}")
    return parts


def _offer(home: Path | None, rpc: str | None) -> list[Any]:
    """How to look at it as the patient does, where the network was kept."""
    if home is None or rpc is not None:
        return []
    return [
        "After all that the patient shared the same with the clinic once more: to be seen, and revoked, on the page.",
        f"The patient's own page over it: medrec web --home {home} --demo-wallet patient",
    ]


def _purse() -> dict[str, Account] | None:
    """The accounts of a devnet, when the environment names them (`eval "$(medrec devnet up)"`)."""
    folder = os.environ.get("MEDREC_ACCOUNTS")
    if not folder:
        return None
    from medrec_py.devnet.purse import Purse

    return dict(Purse(Path(folder)).open())
