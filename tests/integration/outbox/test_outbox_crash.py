"""A publisher is killed, as the kernel kills, at every step and at any instant; what it accepted is there once."""

from __future__ import annotations

import random
import signal
import time

import pytest

from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode
from medrec_py.outbox import Step

STEPS = [step for step in Step if step not in (Step.SEALED, Step.ANCHORED)]


@pytest.mark.parametrize("step", STEPS)
def test_a_publisher_killed_at_a_step_is_resumed_and_each_parcel_is_there_once(network, step):
    """NothingLost, by SIGKILL at each step of the journal."""
    network.run("submit", step.value)
    resumed = network.run("resume")
    assert resumed["answer"] in ([], ["done"])
    assert resumed["pending"] == 0
    network.assert_published_once()
    assert network.run("resume")["answer"] == []
    network.assert_published_once()


@pytest.mark.parametrize("step", [Step.SEALED, *STEPS])
def test_a_publisher_killed_at_a_step_may_simply_publish_again(on_disk, step):
    """Whoever doesn't know that anything was accepted runs the same again, with the same key."""
    on_disk.run("submit", step.value)
    assert "answer" in on_disk.run("submit")
    on_disk.run("resume")
    on_disk.assert_published_once()


def test_a_publisher_killed_at_every_step_in_turn_gets_there(on_disk):
    on_disk.run("submit", Step.ACCEPTED.value)
    for step in (Step.PUT, Step.STORED, Step.PREPARED, Step.SIGNED, Step.BROADCAST, Step.MINED, Step.CONFIRMED):
        process = on_disk.start("resume", step.value)
        process.communicate(timeout=120)
        # The embedded chain mines what it is handed, so the steps after that are one resume.
        assert process.returncode in (0, -signal.SIGKILL)
    on_disk.run("resume")
    on_disk.assert_published_once()


def test_a_publisher_killed_before_it_accepted_leaves_nothing(on_disk):
    on_disk.run("submit", Step.SEALED.value)
    assert len(list((on_disk.folder / "outbox" / "sealed").iterdir())) == 1
    assert on_disk.run("resume") == {"answer": [], "pending": 0}
    assert list((on_disk.folder / "outbox" / "sealed").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_publisher_killed_at_any_instant_loses_and_doubles_nothing(network, seed):
    """NothingLost, killed from outside wherever it happens to be: between two steps, and in the midst of a write."""
    chance = random.Random(seed)
    for _ in range(3):
        process = network.start("submit")
        time.sleep(chance.uniform(0.3, 1.6))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert "answer" in network.run("submit")
    assert network.run("resume")["pending"] == 0
    network.assert_published_once()


@pytest.mark.slow
def test_two_publishers_at_once_and_one_is_killed(network):
    """The one that lives either finishes what the dead one began, or says that it is being worked on."""
    first, second = network.start("submit"), network.start("submit")
    time.sleep(0.9)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    second.communicate(timeout=120)
    assert "answer" in network.run("submit")
    network.run("resume")
    network.assert_published_once()


# ------------------------------------------------------------------------------------------------------ absent servers


@pytest.mark.servers
def test_a_store_that_is_stopped_loses_nothing(tmp_path, on_servers, servers):
    with KuboNode(tmp_path / "kubo", servers[1]._program()) as kubo:
        on_servers.settings["store"] = kubo.api_address
        kubo.stop()
        said = on_servers.run("submit")
        assert said["error"] == "PublicationPending"
        assert said["facts"]["cause"] == "StoreUnavailable"
        assert "Nothing was lost" in said["hint"]
        kubo.start()
        on_servers.settings["store"] = kubo.api_address
        assert on_servers.run("resume") == {"answer": ["done"], "pending": 0}
        on_servers.assert_published_once()


@pytest.mark.servers
def test_a_chain_that_stops_loses_nothing(tmp_path, on_servers, prepared):
    """Anvil keeps its state in a file and comes back with it at the same address."""
    options = ("--state", str(tmp_path / "state.json"))
    (tmp_path / "own").mkdir()
    with AnvilNode(options=options) as anvil:
        port = anvil.port
        with anvil.connect() as chain:
            settings = {"rpc": anvil.url, "store": on_servers.settings["store"]}
            killable = prepared(tmp_path / "own", chain, anvil.accounts[0], settings)
        killable.run("submit", Step.SIGNED.value)
    said = killable.start("resume")
    complaint = said.communicate(timeout=120)[1]
    assert "ChainUnavailable" in complaint
    with AnvilNode(port, options=options):
        assert killable.run("resume") == {"answer": ["done"], "pending": 0}
        killable.assert_published_once()
