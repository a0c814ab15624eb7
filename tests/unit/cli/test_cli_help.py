"""The help: there at once, complete, and its examples are commands that parse."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_commands import COMMANDS, NAMES, Found

HEAVY = ("web3", "sqlalchemy", "cryptography", "eth_account", "eth_tester", "medrec_py.client", "medrec_py.chain")


@pytest.mark.parametrize("found", COMMANDS, ids=NAMES)
def test_every_command_says_what_it_does_and_gives_an_example(found: Found):
    assert found.command.help
    assert found.command.help.split("\n")[0].endswith((".", ":", "names it."))
    assert found.command.epilog.startswith("Example: ")


@pytest.mark.parametrize("found", COMMANDS, ids=NAMES)
def test_every_parameter_of_every_command_says_what_it_is(found: Found):
    silent = [parameter.name for parameter in found.command.params if not getattr(parameter, "help", None)]
    assert [name for name in silent if name not in ("help", "records")] == []


@pytest.mark.parametrize("found", COMMANDS, ids=NAMES)
def test_the_example_of_every_command_parses(found: Found):
    context = found.command.make_context(found.name, list(found.example))
    assert context.params


@pytest.mark.parametrize("found", COMMANDS, ids=NAMES)
def test_every_command_can_print_json(found: Found):
    assert any("--json" in parameter.opts for parameter in found.command.params)


def test_no_option_takes_a_key_or_a_password_in_the_clear():
    for found in COMMANDS:
        options = {option for parameter in found.command.params for option in parameter.opts}
        assert not options & {"--key-hex", "--private-key", "--password", "--secret", "--mnemonic", "--seed"}, (
            found.name
        )


def test_the_help_is_there_at_once_because_nothing_heavy_is_imported_for_it():
    program = f"""
import sys
from pathlib import Path
from medrec_py.cli.entry import run
code = run(["--help"])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print(loaded, file=sys.stderr)
sys.exit(code or bool(loaded))
"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "Start here" in done.stdout
    # Processor time rather than the clock's, which other programs on the machine would lengthen.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6


def test_the_page_of_commands_is_what_the_commands_say():
    script = Path(__file__).resolve().parents[3] / "scripts" / "make_cli_docs.py"
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
