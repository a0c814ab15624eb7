"""The outbox from the command line: what waits, what was refused, and what becomes of it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from medrec_py import MedRec
from medrec_py.chain import Account, as_account, generate_account
from medrec_py.cli.entry import run
from medrec_py.errors import PublicationPending

RECORD = json.dumps(
    {
        "resourceType": "Observation",
        "id": "own",
        "status": "final",
        "code": {"text": "any"},
        "effectiveDateTime": "2024",
    }
).encode()


@pytest.fixture
def wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account of the key ring, which the commands know as `patient`."""
    monkeypatch.setenv("MEDREC_PASSWORD", "a password")
    assert run(["account", "new", "patient", "--json"]) == 0
    return "patient"


def interrupt(home: Path, account: Account, *, refused: bool) -> str:
    """A publication of the patient's own that was accepted, and refused when asked for."""
    ids: list[str] = []
    with MedRec.embedded(home) as network:
        outbox = network.outbox

        def interrupted(publication: Any, courier: Any) -> NoReturn:
            ids.append(outbox.accept(publication, courier.address))
            if refused:
                network.store.put_many([parcel.sealed for parcel in publication.parcels])
                outbox._journal.failed(ids[0], "The contract said no.")
            raise PublicationPending("Interrupted.")

        outbox.submit = interrupted  # type: ignore[method-assign]
        with suppress(PublicationPending):
            network.patient(account).publish(RECORD)
    return ids[0]


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    ended = run([*words, "--json"])
    printed = capsys.readouterr()
    assert ended == code, printed.out
    return json.loads(printed.out)


def key_of(home: Path) -> Account:
    from medrec_py.cli.keys import Keyring

    return Keyring(home / "accounts", None).account("patient")


def test_a_patient_resumes_what_was_interrupted(wallet, home, capsys):
    id = interrupt(home, key_of(home), refused=False)
    [waiting] = said(capsys, "outbox", "list")["publications"]
    assert (waiting["id"], waiting["state"], waiting["relayed"]) == (id, "accepted", True)
    [outcome] = said(capsys, "outbox", "resume", "--as", "patient", "-a", wallet)["publications"]
    assert (outcome["id"], outcome["published"], outcome["error"]) == (id, True, None)
    assert len(said(capsys, "records", "-a", wallet)["records"]) == 1
    assert said(capsys, "outbox", "list") == {"publications": []}


def test_somebody_else_can_not_resume_it_and_is_told_so(wallet, home, capsys):
    interrupt(home, as_account(generate_account()), refused=False)
    [outcome] = said(capsys, "outbox", "resume", "--as", "patient", "-a", wallet, code=1)["publications"]
    assert outcome["error"]["error"] == "PublicationPending"
    assert said(capsys, "outbox", "resume", "--as", "viewer", "-a", wallet, code=2)["error"] == "InvalidInput"


def test_a_patient_retries_what_was_refused(wallet, home, capsys):
    id = interrupt(home, key_of(home), refused=True)
    [failed] = said(capsys, "outbox", "list")["publications"]
    assert (failed["state"], failed["reason"]) == ("failed", "The contract said no.")
    assert said(capsys, "outbox", "retry", id, "--as", "patient", "-a", wallet)["id"] == id
    assert len(said(capsys, "records", "-a", wallet)["records"]) == 1
    assert said(capsys, "outbox", "retry", id, "--as", "patient", "-a", wallet, code=2)["error"] == "UnknownPublication"


def test_what_was_refused_is_discarded_with_its_objects(wallet, home, capsys):
    id = interrupt(home, key_of(home), refused=True)
    assert said(capsys, "outbox", "discard", id) == {"id": id, "discarded": True}
    assert said(capsys, "outbox", "list") == {"publications": []}
    assert said(capsys, "records", "-a", wallet)["records"] == []
