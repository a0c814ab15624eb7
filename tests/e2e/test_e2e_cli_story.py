"""A whole story told with commands, the network kept in a folder between them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medrec_py.cli.entry import run

pytestmark = pytest.mark.slow

LABORATORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}


def result(id: str, date: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "category": [{"coding": [LABORATORY]}],
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": date,
        "valueQuantity": {"value": 7},
    }


Say = Callable[..., Any]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command with --json, checks how it ends, and gives back the document.

    In this process, because a new one for each command spends most of its time on imports; the network is opened from
    its folder each time all the same.
    """
    for name in [name for name in os.environ if name.startswith("MEDREC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MEDREC_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def spoken(*arguments: str, code: int = 0) -> Any:
        ended = run([*arguments, "--json"])
        printed = capsys.readouterr()
        assert (ended, printed.err) == (code, ""), (arguments, printed.out)
        return json.loads(printed.out)

    return spoken


def test_from_the_first_account_to_the_last_refusal(say: Say, tmp_path: Path):
    people = {name: say("account", "new", name)["address"] for name in ("hospital", "clinic", "partner", "patient")}
    assert say("account", "list")["accounts"] == people

    # Registering, accrediting, relating.
    for name in ("hospital", "clinic", "partner"):
        assert say("register", "-a", name, "--name", name.title(), "--fact", "country=none")["gas_used"] > 0
    assert say("accredit", "hospital")["participant"] == people["hospital"]
    subject = say("next-subject", "-a", "patient")["subject"]
    invitation = say("invite", subject, "-a", "hospital", "--out", "invitation.json")
    assert json.loads((tmp_path / "invitation.json").read_text()) == invitation
    assert say("accept", "invitation.json", "-a", "clinic", code=2)["error"] == "InvitationInvalid"
    say("accept", "invitation.json", "-a", "patient")
    assert subject in say("subjects", "-a", "patient")["subjects"]
    for role, account in (("patient", "patient"), ("provider", "hospital")):
        (relationship,) = say("relationships", "--as", role, "-a", account)["relationships"]
        assert relationship["open"]
        assert relationship["provider_name"] == "Hospital"

    # Publishing.
    patient = {"resourceType": "Patient", "id": "p"}
    documents = [patient, result("old", "2019-02-01"), result("new", "2020-03-01"), result("newer", "2020-09-01")]
    (tmp_path / "record.ndjson").write_text("\n".join(json.dumps(document) for document in documents))
    published = say("publish", "record.ndjson", "-s", subject, "-a", "hospital", "--key", "first")
    assert published["records"] == 4
    assert published["by_class"] == {"demographics": 1, "laboratory": 3}
    assert (
        say("publish", "record.ndjson", "-s", subject, "-a", "hospital", "--key", "first")["transaction"]
        == (published["transaction"])
    )
    (tmp_path / "more.json").write_text(json.dumps(result("many", "2021-01-01")))
    many = say("publish-many", f"{subject}=more.json", "-a", "hospital")
    assert many["publications"][subject]["records"] == 1
    (tmp_path / "own.json").write_text(json.dumps(result("own", "2021-05-01")))
    own = say("publish", "own.json", "--as", "patient", "-a", "patient", "--key", "mine")
    assert say("publish", "own.json", "--as", "patient", "-a", "patient", "--key", "mine")["digests"] == own["digests"]
    assert say("outbox", "list") == {"publications": []}
    assert say("outbox", "resume", "-a", "hospital") == {"publications": []}
    assert say("outbox", "resume", "--as", "patient", "-a", "patient") == {"publications": []}
    for words in (("retry", "-a", "hospital"), ("retry", "--as", "patient", "-a", "patient"), ("discard",)):
        assert say("outbox", *words, "0123456789abcdef", code=2)["error"] == "UnknownPublication"
    assert say("publish", "record.ndjson", "-s", subject, "-a", "clinic", code=1)["error"] == "NoRelationship"

    # Reading what is one's own.
    read = say("records", "-a", "patient", "-c", "laboratory", "--from", "2020-01-01", "-s", subject)["records"]
    assert sorted(item["resource"]["id"] for item in read) == ["many", "new", "newer"]
    written = say("records", "-a", "hospital", "--as", "provider", "-s", subject)["records"]
    assert len(written) == 5
    assert say("records", "-a", "patient", "--out", "mine.ndjson")["records"] == 6
    assert len((tmp_path / "mine.ndjson").read_text().splitlines()) == 6

    # Granting, reading, passing on.
    terms = ("-c", "laboratory", "--records-from", "2020-06-01", "--until", "2099-01-01", "--delegations", "1")
    granted = say("grant", "clinic", *terms, "-s", subject, "-a", "patient")
    assert people["clinic"] in granted["statement"]
    id = granted["id"]
    for role, account in (("patient", "patient"), ("viewer", "clinic")):
        (grant,) = say("grants", "--as", role, "-a", account)["grants"]
        assert (grant["id"], grant["state"]) == (id, "active")
    read = say("read", "-a", "clinic")["records"]
    assert sorted(item["resource"]["id"] for item in read) == ["many", "newer"]
    refused = say("read", "-a", "clinic", "-c", "demographics", code=1)
    assert (refused["error"], refused["facts"]["rule"], refused["facts"]["parcels_with_key"]) == (
        "NotPermitted",
        "CLASS",
        0,
    )
    assert say("read", "-a", "clinic", "-p", "HMARKT", code=1)["facts"]["rule"] == "PURPOSE"
    assert say("read", "-a", "partner", code=1)["facts"]["rule"] == "NO_GRANT"
    passed = say("sub-grant", id[:10], "partner", "-c", "laboratory", "-a", "clinic")
    assert passed["parent"] == id
    assert len(say("read", "-a", "partner")["records"]) == 2

    # Pausing and withdrawing.
    say("suspend", id[:12], "-a", "patient")
    assert say("read", "-a", "clinic", code=1)["facts"]["rule"] == "SUSPENDED"
    say("resume", id, "-a", "patient")
    say("revoke-agent", id, "-a", "patient")
    say("revoke", passed["id"], "--as", "viewer", "-a", "clinic")
    assert say("read", "-a", "partner", code=1)["facts"]["rule"] == "REVOKED"
    say("renounce", id, "-a", "clinic")
    assert say("resume", id, "-a", "patient", code=1)["error"] == "GrantNotSuspended"
    assert len(say("rekey", "-a", "patient")["transactions"]) == 1
    assert say("rekey", "-a", "patient")["transactions"] == []
    later = say("publish", "more.json", "-s", subject, "-a", "hospital")
    digest = later["digests"][0]
    assert say("can-open", digest, "-s", subject, "-a", "clinic") == {"opens": False}
    second = say("grant", "clinic", "-c", "laboratory", "-s", subject, "-a", "patient")
    assert say("can-open", digest, "-s", subject, "-a", "clinic") == {"opens": True}
    say("revoke", second["id"], "--no-rekey", "-a", "patient")

    # History.
    say("retract", subject, digest, "-a", "hospital")
    assert [item for item in say("records", "-a", "patient")["records"] if item["retracted"]]
    assert say("verify", "-a", "patient")["ok"]
    acts = [act["act"] for act in say("audit", "-a", "patient")["acts"]]
    assert acts[0] == "RelationshipOpened"
    assert {"Anchored", "Granted", "GrantSuspended", "GrantResumed", "GrantRenounced", "Retracted"} <= set(acts)
    exported = say("export", "everything.json", "-a", "patient")
    assert len(json.loads((tmp_path / "everything.json").read_text())["entry"]) == exported["records"] == 7
    status = say("status", "-a", "hospital")
    assert status["account"]["registered"]
    assert status["outbox"] == {"pending": 0, "failed": 0}
    say("close", subject, "hospital", "-a", "patient")
    assert not say("relationships", "-a", "patient")["relationships"][0]["open"]
    say("withdraw-accreditation", "hospital")
    assert say("publish-vocabulary", "1f" * 32)["gas_used"] > 0


def test_a_story_can_be_told_by_processes_that_share_nothing_but_a_folder(tmp_path: Path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDREC_")}

    def medrec(arguments: str, feed: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from medrec_py.cli import main; main()", *arguments.split()],
            cwd=tmp_path,
            env={**kept, "MEDREC_HOME": str(tmp_path / "home")},
            input=feed,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stderr) == (0, ""), (arguments, done.stdout)
        return done.stdout

    for name in ("hospital", "patient"):
        medrec(f"account new {name}")
    medrec("register -a hospital")
    medrec("accredit hospital")
    subject = medrec("next-subject -a patient").strip()
    invitation = medrec(f"invite {subject} -a hospital")
    assert "is open" in medrec("accept - -a patient", feed=invitation)
    record = '{"resourceType": "Patient", "id": "p", "multipleBirthInteger": 3}'
    assert "1 record in 1 parcel" in medrec(f"publish - -s {subject} -a hospital", feed=record)
    assert json.loads(medrec("records -a patient --out -")) == json.loads(record)
    assert "All verifies" in medrec("verify -a patient")


def test_damage_is_named_and_ends_with_1(say: Say, tmp_path: Path):
    for name in ("hospital", "patient"):
        say("account", "new", name)
    say("register", "-a", "hospital")
    say("accredit", "hospital")
    subject = say("next-subject", "-a", "patient")["subject"]
    say("invite", subject, "-a", "hospital", "--out", "invitation.json")
    say("accept", "invitation.json", "-a", "patient")
    (tmp_path / "one.json").write_text('{"resourceType": "Patient", "id": "p"}')
    digest = say("publish", "one.json", "-s", subject, "-a", "hospital")["digests"][0]
    blocks = (tmp_path / "home" / "store" / "blocks").glob("??/*.data")
    sizes = {path.stat().st_size: path for path in blocks}
    parcel = sizes[min(sizes)]
    parcel.write_bytes(bytes(parcel.stat().st_size))
    found = say("verify", "-a", "patient", code=1)
    assert [(fault["kind"], fault["where"]) for fault in found["faults"]] == [("tampered object", digest)]
    # What can be read is shown, what can't is named, and the exit code tells that it is not all.
    for arguments in (("records",), ("records", "--out", "mine.ndjson")):
        shown = say(*arguments, "-a", "patient", code=1)
        assert [fault["where"] for fault in shown["faults"]] == [digest]
    assert say("export", "everything.json", "-a", "patient", code=1)["faults"] == 1


def test_a_wallet_with_a_root_key_of_its_own_and_a_password_file(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("medrec_py.cli.keys._WORK_FACTOR", 2**10)
    (tmp_path / "password").write_text("correct horse battery\n")
    password = ("--password-file", "password")
    say("account", "new", "patient", "--ask", *password)
    say("root", "new", "root.json", *password)
    wallet = ("--keyfile", "home/accounts/patient.json", *password)
    plain = say("next-subject", *wallet)["subject"]
    rooted = say("next-subject", *wallet, "--root-file", "root.json")["subject"]
    assert plain != rooted
    assert say("next-subject", *wallet, "--root-file", "root.json")["subject"] == rooted
    own = say("next-subject", *wallet, "--wallet-mode")["subject"]
    assert own == say("account", "list")["accounts"]["patient"]
