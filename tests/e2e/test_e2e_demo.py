"""The demonstration as a person runs it: one command, no server, no account."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medrec_py.client import Patient, Provider, Viewer
from medrec_py.demo import run_demo
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode
from medrec_py.errors import ServerMissing

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "fhir"
STEPS = ["register", "open", "publish", "recover", "share", "revoke", "tamper", "verify"]
SECONDS = 180
"""Much more than it takes (some ten seconds), because other tests may run beside it."""

pytestmark = pytest.mark.slow


def medrec(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDREC_")}
    return subprocess.run(
        [sys.executable, "-c", "from medrec_py.cli import main; main()", *arguments],
        cwd=cwd,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def demo(cwd: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """The one document that the command prints, after it succeeded."""
    done = medrec("demo", "--json", *arguments, cwd=cwd, **environment)
    document: dict[str, Any] = json.loads(done.stdout)
    wrong = [line for step in document.get("steps", ()) for line in step["lines"] if line.startswith("NOT SO")]
    assert (done.returncode, wrong, done.stderr) == (0, [], ""), document.get("message")
    return document


def check(document: dict[str, Any], resources: int) -> None:
    assert document["ok"]
    assert document["resources_in"] == document["resources_out"] == resources
    assert [step["name"] for step in document["steps"]] == STEPS
    for step in document["steps"]:
        assert step["ok"]
        assert step["seconds"] >= 0
        assert step["gas"] == sum(cost["gas"] for cost in step["transactions"])
        assert (step["gas"] > 0) == (step["name"] in ("register", "open", "publish", "share", "revoke"))
    by_name = {step["name"]: step for step in document["steps"]}
    assert by_name["publish"]["bytes"] >= by_name["publish"]["sealed_bytes"] > 0
    assert by_name["recover"]["equal"] == by_name["verify"]["equal"] == resources
    assert by_name["revoke"]["clinic_opens"] == 0 < by_name["revoke"]["patient_opens"]
    refusals = [refusal for step in document["steps"] for refusal in step["refusals"]]
    rules = {refusal["rule"] for refusal in refusals}
    assert {"CLASS", "PURPOSE", "NO_GRANT", "NOT_THE_VIEWER", "EXPIRED", "REVOKED"} <= rules
    assert all(refusal["right"] for refusal in refusals)
    assert all(refusal["parcels_with_key"] == 0 for refusal in refusals if refusal["who"] == "Stranger")
    faults = by_name["tamper"]["faults"]
    assert [fault["kind"] for fault in faults] == ["tampered object", "missing object", "ledger"]
    assert all(fault["named"] and fault["repaired"] for fault in faults)
    assert document["seconds"] < SECONDS


def test_the_shipped_patient_comes_back_whole_and_everything_is_refused_that_has_to_be(tmp_path: Path):
    """The demonstration's steps: RevokedMeansBlind is the sixth, LedgerIsComplete the seventh and eighth."""
    document = demo(tmp_path)
    check(document, 1957)
    share = next(step for step in document["steps"] if step["name"] == "share")
    assert "RECORD_DATE" in {refusal["rule"] for refusal in share["refusals"]}
    assert 0 < share["records_read"] < share_of_class(document)
    page = (tmp_path / "medrec-demo.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Everything held" in page


def share_of_class(document: dict[str, Any]) -> int:
    publish = next(step for step in document["steps"] if step["name"] == "publish")
    share = next(step for step in document["steps"] if step["name"] == "share")
    count: int = publish["by_class"][share["record_class"]]
    return count


def test_for_people_it_ends_with_a_table_of_gas_and_the_name_of_the_picture(tmp_path: Path):
    done = medrec("demo", "--html", "picture.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1,957 of 1,957 resources came back equal" in done.stdout
    assert "Bytes to chain" in done.stdout
    assert done.stdout.rstrip().endswith("picture.html")
    assert (tmp_path / "picture.html").is_file()


@pytest.mark.parametrize(
    ("file", "resources", "options"),
    [
        ("synthea-patient-a.json.gz", 1493, ()),
        ("synthea-patient-b.json.gz", 1552, ()),
        ("hl7-r4-examples.ndjson.gz", 313, ("--any-patient",)),
    ],
)
def test_bundles_and_examples_of_others_come_back_whole(
    file: str, resources: int, options: tuple[str, ...], tmp_path: Path
):
    if not (FIXTURES / file).is_file():
        pytest.skip("these inputs are not here")
    check(demo(tmp_path, "--bundle", str(FIXTURES / file), *options), resources)


def test_examples_of_many_patients_are_refused_by_name_unless_any_patient_is_said(tmp_path: Path):
    if not (FIXTURES / "hl7-r4-examples.ndjson.gz").is_file():
        pytest.skip("these inputs are not here")
    done = medrec("demo", "--json", "--bundle", str(FIXTURES / "hl7-r4-examples.ndjson.gz"), cwd=tmp_path)
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert document["error"] == "WrongPatient"
    assert "Patient/" in document["message"]


def test_one_resource_without_a_date_is_enough(tmp_path: Path):
    (tmp_path / "one.json").write_text('{"resourceType": "Patient", "id": "one", "multipleBirthInteger": 2}')
    document = demo(tmp_path, "--bundle", "one.json")
    assert document["resources_in"] == document["resources_out"] == 1


def test_repetitions_count_as_often_as_they_stand_in_the_input(tmp_path: Path):
    line = b'{"resourceType":"Observation","id":"o","effectiveDateTime":"2020-01-01","valueQuantity":{"value":1.10}}\n'
    (tmp_path / "twice.ndjson.gz").write_bytes(gzip.compress(line * 2))
    document = demo(tmp_path, "--bundle", "twice.ndjson.gz")
    assert document["resources_in"] == document["resources_out"] == 2


def test_a_kept_demonstration_can_be_played_on_with_and_played_again(tmp_path: Path):
    (tmp_path / "one.json").write_text('{"resourceType": "Patient", "id": "one"}')
    for run in (1, 2):
        demo(tmp_path, "--bundle", "one.json", "--home", "kept")
        done = medrec("grants", "--account", "patient", "--json", "--home", "kept", cwd=tmp_path)
        grants = json.loads(done.stdout)["grants"]
        assert [grant["state"] for grant in grants] == ["expired", "revoked", "active"] * run


# ── it fails when something does not hold ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.ndjson"
    days = ["2019-03-01", "2020-02-01", "2020-09-01", "2021-06-01"]
    file.write_text(
        "\n".join(
            json.dumps({"resourceType": "Condition", "id": f"c{place}", "recordedDate": day})
            for place, day in enumerate(days)
        )
        + '\n{"resourceType": "Patient", "id": "one"}\n'
    )
    return file


def test_the_small_input_holds_when_nothing_is_wrong(small: Path):
    assert run_demo(small).ok


def test_keys_that_are_not_changed_are_noticed(small: Path, monkeypatch: pytest.MonkeyPatch):
    """RevokedMeansBlind is not taken for granted: without new keys the demonstration fails."""
    monkeypatch.setattr(Patient, "rekey", lambda self: [])
    report = run_demo(small)
    assert not report.ok
    wrong = [refusal for refusal in report.refusals if not refusal.is_right]
    assert [refusal.asked for refusal in wrong] == ["records published after expiry"]
    assert wrong[0].keys > 0


def test_a_provider_that_seals_with_stale_keys_is_noticed(small: Path, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    keys = Provider.keys
    monkeypatch.setattr(Provider, "keys", lambda self, subject: replace(keys(self, subject), is_stale=False))
    report = run_demo(small)
    assert not report.ok
    assert "records published right after the revocation" in [
        refusal.asked for refusal in report.refusals if not refusal.is_right
    ]


def test_a_record_too_few_is_noticed(small: Path, monkeypatch: pytest.MonkeyPatch):
    read = Viewer.read

    def short(self: Viewer, **arguments: Any) -> Any:
        from dataclasses import replace

        reading = read(self, **arguments)
        return replace(reading, records=reading.records[1:])

    monkeypatch.setattr(Viewer, "read", short)
    assert not run_demo(small).ok


def test_a_verification_that_finds_nothing_is_noticed(small: Path, monkeypatch: pytest.MonkeyPatch):
    """LedgerIsComplete is not taken for granted: a blind verification makes the demonstration fail."""
    from dataclasses import replace

    verify = Patient.verify
    monkeypatch.setattr(Patient, "verify", lambda self: replace(verify(self), faults=()))
    report = run_demo(small)
    assert not report.ok
    assert not any(fault.is_named for fault in report.faults)


# ── on real servers ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers
def test_on_anvil_and_kubo_it_deploys_and_plays_the_same(tmp_path: Path):
    try:
        anvil, kubo = AnvilNode(), KuboNode(tmp_path / "ipfs")
    except ServerMissing as error:
        pytest.skip(str(error))
    with anvil, kubo:
        document = demo(tmp_path, "--rpc", anvil.url, "--ipfs", kubo.api_address)
        check(document, 1957)
        assert anvil.url in document["chain"]
        contracts = [cost["act"] for cost in document["steps"][0]["transactions"]]
        assert "deploy MedRec" in contracts
