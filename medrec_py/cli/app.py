"""All commands, under the headings in which the help lists them.

The modules of commands import what they call only when they call it, so that the help is there at once.
"""

from __future__ import annotations

import typer

from medrec_py.cli import (
    delegates,
    demo,
    devnet,
    emergency,
    grants,
    guardians,
    history,
    outbox,
    people,
    records,
    relay,
    setting,
    web,
)

app = typer.Typer(
    name="medrec",
    help="Patients own, share and audit their medical records: decisions on Ethereum, sealed records in IPFS.",
    epilog="Example: medrec demo",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

START = "Start here"
PEOPLE = "People and relationships"
RECORDS = "Records"
GRANTS = "Grants"
CUSTODY = "Other hands"
HISTORY = "History"
SETTING = "Accounts and servers"


@app.callback()
def _root() -> None:
    """Patients own, share and audit their medical records: decisions on Ethereum, sealed records in IPFS.

    Without servers everything runs in a folder (--home), which keeps it from one command to the next. With --rpc and
    --store the same commands work on a node and on IPFS. Every command takes --json. Exit codes: 0 done, 1 refused,
    2 can't be used as given.
    """


demo.add_to(app, START)
people.add_to(app, PEOPLE)
records.add_to(app, RECORDS)
outbox.add_to(app, RECORDS)
grants.add_to(app, GRANTS)
delegates.add_to(app, CUSTODY)
guardians.add_to(app, CUSTODY)
emergency.add_to(app, CUSTODY)
history.add_to(app, HISTORY)
devnet.add_to(app, SETTING)
relay.add_to(app, SETTING)
setting.add_to(app, SETTING)
web.add_to(app, SETTING)
