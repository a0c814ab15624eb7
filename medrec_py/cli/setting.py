"""Commands about this machine: accounts for playing, root keys, shell completion, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medrec_py.cli import output
from medrec_py.cli.options import command
from medrec_py.cli.output import Shown
from medrec_py.cli.session import Session
from medrec_py.errors import InvalidInput

SHELLS = ("bash", "zsh", "fish")


def add_to(app: typer.Typer, panel: str) -> None:
    """Adds these commands."""
    account = typer.Typer(help="Named accounts, as encrypted key files.", no_args_is_help=True)
    root = typer.Typer(help="Root keys, for wallets whose signatures differ each time.", no_args_is_help=True)
    app.add_typer(account, name="account", rich_help_panel=panel)
    app.add_typer(root, name="root", rich_help_panel=panel)

    @command(account, "new", example="medrec account new hospital", role=False)
    def new(
        session: Session,
        name: Annotated[str, typer.Argument(help="What to call it.")],
        ask: Annotated[
            bool, typer.Option("--ask", help="A password of your own, instead of a random one kept beside it.")
        ] = False,
    ) -> Shown:
        """Make an account and keep it as an encrypted key file."""
        address = session.keyring.make(name, ask=ask)
        return Shown(
            {"name": name, "address": address, "keyfile": str(session.keyring.folder / f"{name}.json")},
            lambda: [output.done(f"{name} is {address}")],
        )

    @command(account, "list", example="medrec account list", role=False)
    def list_(session: Session) -> Shown:
        """List the named accounts."""
        found = session.keyring.names()
        return Shown(
            {"folder": str(session.keyring.folder), "accounts": found},
            lambda: [
                output.table(("Name", "Address"), found.items(), empty="There are none. `medrec account new NAME`.")
            ],
        )

    @command(root, "new", example="medrec root new patient-root.json", network=False, role=False)
    def root_new(
        session: Session, file: Annotated[str, typer.Argument(help="File for the encrypted root key. Keep a copy.")]
    ) -> Shown:
        """Make a random root key and keep it as an encrypted file."""
        session.keyring.make_root(Path(file))
        sentence = f"The root key is in {file}. Whoever loses it and the password loses the records: keep a copy."
        return Shown({"root_file": file}, lambda: [output.done(sentence)])

    @command(app, "completion", example='eval "$(medrec completion bash)"', panel=panel, network=False, account=False)
    def completion(session: Session, shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> Shown:
        """Print the script that completes commands in a shell."""
        from typer.completion import get_completion_script  # type: ignore[attr-defined]

        if shell not in SHELLS:
            raise InvalidInput(f"There is no completion for {shell!r}.", hint=f"There is for {', '.join(SHELLS)}.")
        script = get_completion_script(prog_name="medrec", complete_var="_MEDREC_COMPLETE", shell=shell)
        return Shown({"shell": shell, "script": script}, lambda: [script])

    @command(app, "version", example="medrec version", panel=panel, network=False, account=False)
    def version(session: Session) -> Shown:
        """Print the version."""
        import platform
        from importlib.metadata import version as version_of

        document = {"medrec": version_of("medrec-py"), "python": platform.python_version()}
        return Shown(document, lambda: [f"medrec {document['medrec']} (Python {document['python']})"])
