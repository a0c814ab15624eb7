"""A patient who publishes is killed at every step, also while a relayer is at work; what was accepted is there once."""

from __future__ import annotations

from pathlib import Path

import pytest

from medrec_py.devnet.anvil import AnvilNode
from medrec_py.outbox import Step

STEPS = [step.value for step in Step if step not in (Step.SEALED, Step.PREPARED, Step.ANCHORED)]
RELAYED = ["relayer asked", "relayer sent", "relayer answered"]
MODES = [
    *(("private", step) for step in (*STEPS, *RELAYED)),
    *(("wallet", step) for step in (*STEPS, Step.PREPARED.value)),
    *(("relayed", step) for step in (Step.SIGNED.value, *RELAYED)),
]
IDS = ["-".join(pair).replace(" ", "_") for pair in MODES]
"""In private mode, and by a wallet that is relayed, the act is signed and somebody else sends it."""


PROGRAM = Path(__file__).with_name("patient.py")


@pytest.fixture
def patient(on_disk):
    """A patient of the network on disk."""
    on_disk.program = PROGRAM
    return on_disk


def assert_resumed(patient, mode: str, step: str) -> None:
    patient.settings["mode"] = mode
    patient.run("publish", step)
    resumed = patient.run("resume")
    assert resumed["answer"] in ([], ["done"])
    assert (resumed["left"], resumed["records"]) == ([], ["own"])
    assert len(patient.anchored(resumed["subjects"])) == 1


@pytest.mark.parametrize(("mode", "step"), MODES, ids=IDS)
def test_a_patient_killed_at_a_step_is_resumed_and_the_record_is_there_once(patient, mode, step):
    """NothingLost, for records of the patient's own."""
    assert_resumed(patient, mode, step)


@pytest.mark.servers
@pytest.mark.parametrize(
    ("mode", "step"),
    [("private", "stored"), ("private", "relayer sent"), ("private", "relayer answered"), ("wallet", "broadcast")],
)
def test_a_patient_killed_on_servers_is_resumed_and_the_record_is_there_once(on_servers, mode, step):
    on_servers.program = PROGRAM
    assert_resumed(on_servers, mode, step)


@pytest.mark.parametrize(
    ("mode", "step"),
    [
        *(("private", step) for step in ("sealed", "accepted", "stored", *RELAYED, "confirmed")),
        *(("wallet", step) for step in ("signed", "broadcast", "confirmed")),
    ],
)
def test_a_patient_killed_at_a_step_may_simply_publish_again(patient, mode, step):
    """With the same key: whatever the first attempt came to, the second gives back its digests."""
    patient.settings["mode"] = mode
    patient.run("publish", step)
    said = patient.run("publish")
    assert (said["left"], said["records"]) == ([], ["own"])
    assert [bytes.fromhex(digest) for digest in said["answer"]] == patient.anchored()


@pytest.mark.parametrize("step", ["stored", "relayer asked", "relayer sent"])
def test_what_the_patient_does_meanwhile_makes_the_signed_act_void_and_it_is_signed_anew(patient, step):
    """The act names the ledger's head; another publication moves that on, unless the first got there before it."""
    patient.settings["mode"] = "private"
    patient.run("publish", step)
    assert len(patient.run("another")["answer"]) == 1
    resumed = patient.run("resume")
    assert (resumed["left"], resumed["records"]) == ([], ["another", "own"])
    assert len(patient.anchored()) == len(set(patient.anchored())) == 2


def test_a_patient_killed_at_every_step_in_turn_gets_there(patient):
    patient.settings["mode"] = "private"
    patient.run("publish", Step.ACCEPTED.value)
    for step in (Step.PUT.value, Step.STORED.value, "relayer asked", "relayer sent"):
        patient.run("resume", step)
    for step in (Step.MINED.value, Step.CONFIRMED.value):
        patient.start("resume", step).communicate(timeout=120)
    assert patient.run("resume")["left"] == []
    assert len(patient.anchored()) == 1


@pytest.mark.servers
def test_an_act_that_waits_in_the_pool_is_not_taken_for_refused_and_counts_once(tmp_path, on_servers, prepared):
    """A relayer that counts what waits refuses the second copy of the act, whose first is not mined yet."""
    (tmp_path / "own").mkdir()
    with AnvilNode() as anvil, anvil.connect() as chain:
        settings = {"rpc": anvil.url, "store": on_servers.settings["store"], "mode": "private", "timeout": "1"}
        killable = prepared(tmp_path / "own", chain, anvil.accounts[0], settings)
        killable.program = PROGRAM
        chain.ask("evm_setAutomine", False)
        killable.run("publish", "relayer sent")
        said = killable.run("resume")
        assert "the blocks mined so far do not" in said["answer"][0]
        assert [left for left in said["left"] if "FAILED" in left] == []
        chain.ask("evm_mine")
        said = killable.run("resume")
        assert (said["answer"], said["left"], said["records"]) == (["done"], [], ["own"])
        assert len(killable.anchored()) == 1
