"""What the README shows works as it stands there: its example, its commands, its map of folders."""

from __future__ import annotations

import configparser
import inspect
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from medrec_py import pytest_plugin
from medrec_py.cli.app import app
from medrec_py.cli.demo import add_to as add_demo

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SHELL = [line.split("#")[0].strip() for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
LAB = "http://terminology.hl7.org/CodeSystem/observation-category"


def entry(id: str, **resource: Any) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{id}", "resource": {"id": id, **resource}}


def small_bundle() -> dict[str, Any]:
    """A patient, two laboratory results and something that is none."""
    result = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "anything"},
        "category": [{"coding": [{"system": LAB, "code": "laboratory"}]}],
        "subject": {"reference": "urn:uuid:p"},
    }
    entries = [
        entry("p", resourceType="Patient"),
        entry("first", **result, effectiveDateTime="2024-01-01"),
        entry("second", **result, effectiveDateTime="2025-01-01"),
        entry("v", **{**result, "category": [{"coding": [{"system": LAB, "code": "vital-signs"}]}]}),
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def test_the_embedded_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("bundle.json").write_text(json.dumps(small_bundle()))
    imports, example = PYTHON[0].splitlines()[0], PYTHON[1]
    assert imports.startswith("from medrec_py import ")
    exec(compile(f"{imports}\n{example}", "README.md", "exec"), {})
    assert sorted(capsys.readouterr().out.split()) == ["Observation/first", "Observation/second"]


def test_every_make_target_is_one():
    named = set(re.findall(r"`?make ([a-z-]+)", README))
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    assert {"demo", "test", "check", "bench", "help"} <= named <= targets


@pytest.mark.parametrize("line", [line for line in SHELL if "medrec " in line])
def test_every_command_line_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("patient.json.gz").touch()
    program, *words = shlex.split(line)
    assert program == ".venv/bin/medrec"
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    assert command.make_context(command.name, words).params


def test_the_shell_has_no_other_commands():
    known = (".venv/bin/medrec ", "make ", ".venv/bin/python scripts/")
    assert [line for line in SHELL if line and not line.startswith(known)] == []
    scripts = [line.split()[1] for line in SHELL if line.startswith(known[2])]
    assert [script for script in scripts if not (ROOT / script).exists()] == []
    assert (ROOT / "scripts" / "deploy.py").exists()


def test_the_picture_has_the_name_that_is_said():
    assert "`medrec-demo.html`" in README
    assert "medrec-demo.html" in inspect.getsource(add_demo)


def test_the_fixtures_are_those_of_the_plugin():
    named = set(re.findall(r"`(medrec_\w+)`", README))
    plugin = {name for name in vars(pytest_plugin) if name.startswith("medrec_") and name != "medrec_py"}
    assert named == plugin


def test_the_map_of_folders_is_the_tree():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    tracked = {f"{path.split('/')[0]}/" for path in files if "/" in path and not path.startswith(".")}
    mapped = set(re.findall(r"(?m)^\| `(\w+/)` \|", README))
    assert mapped == tracked
    for parent, folders in (("contracts", ("core", "interfaces")), ("tests", ("unit", "invariant", "integration"))):
        assert all((ROOT / parent / folder).is_dir() for folder in folders)


def test_the_layers_are_those_that_are_checked():
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    layers = [{part.strip() for part in line.split("|")} - {"pytest_plugin"} for line in lines if line.strip()]
    said = re.search(r"`(errors → [^`]+)`", README)
    assert said
    assert [set(part.split(", ")) for part in said.group(1).split(" → ")] == layers[::-1]
