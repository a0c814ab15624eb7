"""Delegates, guardians, emergencies and moving, told with commands: the network is opened anew for each of them."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medrec_py.cli.entry import run

pytestmark = pytest.mark.slow

LABORATORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}


def result(id: str) -> str:
    return json.dumps(
        {
            "resourceType": "Observation",
            "id": id,
            "category": [{"coding": [LABORATORY]}],
            "effectiveDateTime": "2024-01-01",
            "valueQuantity": {"value": 7},
        }
    )


Say = Callable[..., Any]
PEOPLE = ("patient", "new", "newest", "hospital", "ward", "sister", "friend", "cousin", "parent", "clinic")


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command with --json, checks how it ends, and gives back the document."""
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


def test_other_hands_from_the_first_delegate_to_the_last_move(say: Say, tmp_path: Path) -> None:
    address = {name: say("account", "new", name)["address"] for name in PEOPLE}
    for name in PEOPLE:
        if name not in ("patient", "newest"):
            say("register", "--name", name, "-a", name)
    say("accredit", "hospital")
    say("accredit", "ward", "--role", "emergency")
    subject = say("next-subject", "-a", "patient")["subject"]
    say("invite", subject, "-a", "hospital", "--out", "invitation.json")
    say("accept", "invitation.json", "-a", "patient")
    (tmp_path / "first.json").write_text(result("first"))
    say("publish", "first.json", "-s", subject, "-a", "hospital")

    # A parent withdraws what a child granted.
    grant = say("grant", "clinic", "--classes", "laboratory", "-a", "patient")["id"]
    say("delegate", "name", "parent", "--until", "2090-05-17", "-a", "patient")
    (named,) = say("delegate", "list", "-a", "patient")["delegations"]
    assert (named["expires_at"], named["active"]) == ("2090-05-01T00:00:00Z", True)
    assert len(say("delegate", "list", "--as", "viewer", "-a", "parent")["delegations"]) == 1
    assert say("delegate", "revoke-for", subject, grant, "-a", "clinic", code=1)["error"]
    say("delegate", "suspend-for", subject, grant, "-a", "parent")
    say("delegate", "revoke-agent-for", subject, grant, "-a", "parent")
    say("delegate", "revoke-for", subject, grant, "-a", "parent")
    say("delegate", "resign", subject, "-a", "parent")
    say("delegate", "name", "parent", "--until", "2090-05-17", "-a", "patient")
    say("delegate", "dismiss", "parent", "-a", "patient")
    assert say("delegate", "close-for", subject, "hospital", "-a", "parent", code=1)["error"]

    # The patient is silent, and there again.
    switch = say("delegate", "after-silence", "friend", "--silence", "1s", "--notice", "2s", "-a", "patient")["id"]
    time.sleep(3)
    say("delegate", "announce-for", subject, "-a", "friend")
    assert say("read", "-a", "friend", "--classes", "laboratory", code=1)["error"] == "NotPermitted"
    (mine,) = say("delegate", "switches", "--as", "viewer", "-a", "friend")["switches"]
    assert (mine["subject"], mine["open"], mine["grant"]) == (subject, False, switch)
    time.sleep(3)
    assert say("read", "-a", "friend", "--classes", "laboratory")["records"]
    assert [one["open"] for one in say("delegate", "switches", "-a", "patient")["switches"]] == [True]
    say("delegate", "life-sign", "-a", "patient")
    assert say("read", "-a", "friend", "--classes", "laboratory", code=1)["error"] == "NotPermitted"
    say("revoke", switch, "-a", "patient")

    # An emergency.
    custodians = ("sister", "friend", "cousin")
    say("emergency", "prepare", *custodians, "-c", "laboratory", "--label", "the patient", "-a", "patient")
    declared = say("emergency", "declare", subject, "--reason", "unconscious", "-a", "ward")["emergency"]["id"]
    assert say("emergency", "records", subject, "-a", "ward", code=1)["error"] == "TooFewShares"
    (asked,) = say("emergency", "requests", "-a", "sister")["emergencies"]
    assert (asked["id"], asked["reason"], asked["label"]) == (declared, "unconscious", "the patient")
    for custodian in custodians[:2]:
        say("emergency", "release", declared, "-a", custodian)
    assert say("emergency", "release", declared, "-a", "sister")["transaction"] is None
    read = say("emergency", "records", subject, "-a", "ward")
    assert [item["resource"]["id"] for item in read["records"]] == ["first"]
    (seen,) = say("emergency", "list", "-a", "patient")["emergencies"]
    assert {address[name] for name in custodians[:2]} == set(seen["released_by"])
    assert len(say("emergency", "list", "--as", "provider", "-a", "ward")["emergencies"]) == 1
    assert say("emergency", "plans", "-a", "patient")["plans"][0]["used"]
    say("emergency", "withdraw", "-a", "patient")
    assert say("emergency", "records", subject, "-a", "ward", code=1)["error"] == "NotDeclared"

    # The wallet is lost.
    people = [f"{name}={address[name]}" for name in custodians]
    owner = say("guardian", "appoint", *people, "--notice", "3s", "--label", "the patient", "-a", "patient")["owner"]
    assert [one["name"] for one in say("guardian", "plan", "-a", "patient")["plan"]["guardians"]] == list(custodians)
    time.sleep(2)
    say("guardian", "announce", owner, "new", "-a", "sister")
    assert say("guardian", "release", owner, "new", "-a", "friend", code=1)["error"] == "NotOpen"
    say("guardian", "life-sign", "-a", "patient")
    time.sleep(2)
    (ward,) = say("guardian", "wards", "-a", "friend")["wards"]
    assert (ward["label"], ward["announcements"]) == ("the patient", [])
    say("guardian", "announce", owner, "new", "-a", "sister")
    time.sleep(4)
    for guardian in ("friend", "cousin"):
        say("guardian", "release", owner, "new", "-a", guardian)
    (recovery,) = say("guardian", "recoveries", "-a", "new")["recoveries"]
    assert (recovery["open"], recovery["released"], recovery["threshold"]) == (True, 2, 2)
    say("guardian", "recover", owner, "-a", "new")
    assert [item["resource"]["id"] for item in say("records", "-a", "new")["records"]] == ["first"]

    # What was inherited moves to the new wallet's own addresses, and from there to the newest one.
    assert not say("settle", "-a", "new")["done"]
    assert len(say("follow", "-a", "hospital")["relationships"]) == 1
    assert say("settle", "-a", "new")["done"]
    assert not say("move", "newest", "-a", "new")["done"]
    (tmp_path / "second.json").write_text(result("second"))
    say("publish", "second.json", "-s", subject, "-a", "hospital")
    assert say("move", "newest", "-a", "new")["done"]
    found = [item["resource"]["id"] for item in say("records", "-a", "newest")["records"]]
    assert sorted(found) == ["first", "second"]
    say("guardian", "end", "-a", "patient")
    assert say("guardian", "plan", "-a", "patient")["plan"] is None

    # A random root, once kept in a file because the wallet was unsteady.
    password = str(tmp_path / "home" / "accounts" / "password")
    say("root", "new", "old-root.json", "--password-file", password)
    say("inherit", "old-root.json", "--reason", "unsteady", "--password-file", password, "-a", "newest")


def test_spans_and_people_that_are_none_are_refused(say: Say) -> None:
    for name in ("patient", "sister", "friend"):
        say("account", "new", name)
    for arguments in (
        ("guardian", "appoint", "sister", "friend", "--notice", "a week"),
        ("guardian", "appoint", "sister", "friend", "--notice", "-7d"),
        ("guardian", "appoint", "one=sister", "one=friend"),
        ("guardian", "appoint", "one=sister", "friend"),
    ):
        assert say(*arguments, "-a", "patient", code=2)["error"] == "InvalidInput"
    assert say("emergency", "list", "--as", "viewer", "-a", "patient", code=2)["error"] == "InvalidInput"
