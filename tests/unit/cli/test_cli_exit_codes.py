"""How the program ends: 0 done, 1 refused, 2 unusable as given, 70 a defect; and what it prints then."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from cli_commands import COMMANDS, NAMES, Found, only_json

from medrec_py.cli import session as session_module
from medrec_py.cli.entry import run

PATIENT = {"resourceType": "Patient", "id": "one"}
OTHER = {"resourceType": "Patient", "id": "two"}


def bundle(*resources: object) -> str:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]})


@pytest.mark.parametrize("found", COMMANDS, ids=NAMES)
def test_with_json_every_command_prints_one_document_even_when_it_can_not_do_its_work(
    found: Found, capsys: pytest.CaptureFixture[str]
):
    if found.name in ("demo", "devnet up", "status", "outbox list", "publish-vocabulary", "relay", "web"):
        pytest.skip("needs nothing more, so it would do its work; see the stories")
    code = run([*found.path, "--json"])
    printed = capsys.readouterr()
    document = only_json(printed.out)
    assert printed.err == ""
    assert code in (0, 1, 2)
    if code == 2:
        assert document["error"]
        assert document["hint"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["unheard-of"], "unheard-of"),
        (["grants", "--unheard-of"], "--unheard-of"),
        (["grant"], "viewer"),
        (["grants"], "Nobody"),
        (["grants", "--account", "nobody"], "nobody"),
        (["grants", "--account", "ape:nobody"], "ape"),
        (["grants", "--keyfile", "none.json"], "none.json"),
        (["grants", "--keyfile", "a.json", "--ape", "b"], "Both"),
        (["status", "--store", "somewhere"], "node"),
        (["status", "--rpc", "http://127.0.0.1:1"], "store"),
        (["devnet", "up", "--ports", "some"], "some"),
        (["completion", "tcsh"], "tcsh"),
        (["demo", "--rpc", "http://127.0.0.1:1"], "--ipfs"),
        (["demo", "--bundle", "none.json"], "none.json"),
    ],
)
def test_what_can_not_be_used_exits_with_2_and_is_named(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
):
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert named in printed.err
    assert run([*arguments, "--json"]) == 2
    assert named in json.dumps(only_json(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("content", "error", "named"),
    [
        (bundle(PATIENT, OTHER), "WrongPatient", "Patient/two"),
        (
            bundle(PATIENT, {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/three"}}),
            "WrongPatient",
            "Observation/o",
        ),
        ('{"resourceType": "Patient",', "InvalidJson", "line 1"),
        ('{"name": "no resource"}', "InvalidResource", "name"),
        ("[1, 2]", "InvalidResource", "array"),
        (bundle(PATIENT, {"id": "untyped"}), "InvalidResource", "entry[1]"),
        (bundle(), "InvalidInput", "no resource"),
        ("", "InvalidJson", "empty"),
    ],
)
def test_a_wrong_bundle_is_refused_by_name_before_anything_is_set_up(
    content: str, error: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "input.json"
    file.write_text(content)
    assert run(["demo", "--bundle", str(file), "--json"]) == 2
    document = only_json(capsys.readouterr().out)
    assert document["error"] == error
    assert named in json.dumps(document)


def test_a_server_that_does_not_answer_exits_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    arguments = ["status", "--rpc", "http://127.0.0.1:1", "--store", str(tmp_path / "store")]
    assert run([*arguments, "--json"]) == 1
    assert only_json(capsys.readouterr().out)["error"] == "ChainUnavailable"


def test_a_relayer_that_can_not_listen_prints_one_document_and_nothing_of_its_own(
    capsys: pytest.CaptureFixture[str],
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["relay", "--port", str(port), "--json"]) == 1
    printed = capsys.readouterr()
    assert only_json(printed.out)["error"] == "PortTaken"
    assert printed.err == ""


def test_a_defect_exits_with_70_and_shows_neither_message_nor_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def broken(self: object) -> None:
        key = "c0ffee" * 10
        raise RuntimeError(f"the key is {key}")

    monkeypatch.setattr(session_module.Session, "keyring", property(broken))
    for flags in ([], ["--json"]):
        assert run(["account", "list", *flags]) == 70
        printed = capsys.readouterr()
        assert "RuntimeError" in printed.out + printed.err
        assert "c0ffee" not in printed.out + printed.err


def test_an_interruption_exits_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session_module.Session, "keyring", property(interrupted))
    assert run(["account", "list", "--json"]) == 130
    assert only_json(capsys.readouterr().out)["error"] == "Interrupted"


def test_the_completion_script_is_printed_to_the_last_character(capsys: pytest.CaptureFixture[str]):
    assert run(["completion", "bash", "--json"]) == 0
    script = only_json(capsys.readouterr().out)["script"]
    assert run(["completion", "bash"]) == 0
    assert capsys.readouterr().out == script + "\n"
    assert "complete -o default -F _medrec_completion medrec" in script
