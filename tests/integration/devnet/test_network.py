"""The development network: real Anvil, real Kubo, real deployment."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from medrec_py.chain import Chain, Deployment
from medrec_py.devnet import network as network_module
from medrec_py.devnet import ports
from medrec_py.devnet.daemon import MARKER
from medrec_py.devnet.network import Devnet, as_shell, default_folder
from medrec_py.devnet.purse import ROLES
from medrec_py.errors import DevnetBusy, InvalidInput, PortTaken, ServerFailed, ServerMissing
from medrec_py.storage import open_store

pytestmark = pytest.mark.servers

UP = "import sys; from medrec_py.devnet.network import Devnet; Devnet(sys.argv[1], auto_ports=True).up()"


def running(folder: Path) -> list[psutil.Process]:
    """Every process of this machine that was started for the network in `folder`, whatever its notes say."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def folder(tmp_path: Path):
    folder = tmp_path / "devnet"
    yield folder
    left = running(folder)
    for process in left:
        process.kill()


@pytest.fixture
def devnet(folder: Path):
    devnet = Devnet(folder, auto_ports=True)
    yield devnet
    devnet.down()
    assert running(folder) == []


def pids(devnet: Devnet) -> dict[str, int | None]:
    return {server.name: server.pid for server in devnet.status().servers}


def states(devnet: Devnet) -> dict[str, str]:
    return {server.name: server.state for server in devnet.status().servers}


# ── up, down, status ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_up_gives_a_deployed_chain_and_a_store_and_down_leaves_no_process(devnet: Devnet, folder: Path):
    status = devnet.up()
    assert status.is_up
    assert json.loads(json.dumps(status.to_json()))["up"] is True
    with Chain.connect(devnet.rpc_url) as chain:
        Deployment.load(devnet.deployment_file, chain)
    with open_store(devnet.store_address) as store:
        assert store.get(store.put(b"sealed bytes")) == b"sealed bytes"
    assert len(running(folder)) == 2
    assert set(devnet.down()) == {"anvil", "kubo"}
    assert running(folder) == []
    assert states(devnet) == {"anvil": "stopped", "kubo": "stopped"}
    assert not devnet.status().is_up


def test_up_twice_changes_nothing(devnet: Devnet):
    devnet.up()
    before, environment = pids(devnet), devnet.environment
    devnet.up()
    assert pids(devnet) == before
    assert devnet.environment == environment


def test_down_twice_and_without_a_folder_is_harmless(devnet: Devnet, tmp_path: Path):
    devnet.up()
    assert devnet.down() != ()
    assert devnet.down() == ()
    assert Devnet(tmp_path / "never").down() == ()
    assert not (tmp_path / "never").exists()


def test_status_of_a_network_that_never_was_creates_nothing(tmp_path: Path):
    status = Devnet(tmp_path / "never").status()
    assert not status.is_up
    assert not (tmp_path / "never").exists()


def test_chain_store_accounts_and_addresses_outlive_down(devnet: Devnet):
    devnet.up()
    environment = devnet.environment
    accounts = {role: account.address for role, account in devnet.purse.open().items()}
    with Chain.connect(devnet.rpc_url) as chain:
        head = chain.head_number()
        block = chain.block_hash(head)
    with open_store(devnet.store_address) as store:
        cid = store.put(b"kept")
    devnet.down()
    devnet.up()
    assert devnet.environment["MEDREC_DEPLOYMENT"] == environment["MEDREC_DEPLOYMENT"]
    assert {role: account.address for role, account in devnet.purse.open().items()} == accounts
    with Chain.connect(devnet.rpc_url) as chain:
        assert chain.block_hash(head) == block
    with open_store(devnet.store_address) as store:
        assert store.get(cid) == b"kept"
        assert store.is_pinned(cid)


# ── something goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["anvil", "kubo"])
def test_a_killed_server_is_seen_and_up_starts_just_that_one_again(devnet: Devnet, name: str):
    devnet.up()
    before, port = pids(devnet), {server.name: server.port for server in devnet.status().servers}
    time.sleep(network_module.STATE_SECONDS + 0.5)
    victim = before[name]
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    psutil.wait_procs([process for process in running(devnet.folder) if process.pid == victim], timeout=10)
    status = devnet.status()
    assert not status.is_up
    assert states(devnet)[name] == "ended"
    assert devnet.up().is_up
    after = pids(devnet)
    assert after[name] != before[name]
    assert {server.name: server.port for server in devnet.status().servers} == port
    other = "kubo" if name == "anvil" else "anvil"
    assert after[other] == before[other]


def test_a_server_that_hangs_is_seen_and_replaced(devnet: Devnet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network_module, "ANSWER_SECONDS", 0.5)
    devnet.up()
    before = pids(devnet)["kubo"]
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    assert states(devnet)["kubo"] == "silent"
    os.kill(before, signal.SIGCONT)
    assert states(devnet)["kubo"] == "running"
    os.kill(before, signal.SIGSTOP)
    monkeypatch.setattr(network_module, "END_GRACE_SECONDS", 0.5)
    assert devnet.up().is_up
    assert pids(devnet)["kubo"] != before
    assert len(running(devnet.folder)) == 2


@pytest.mark.parametrize("which", ["rpc_port", "ipfs_port"])
def test_a_taken_port_is_named_with_its_holder_and_nothing_is_left_running(folder: Path, which: str):
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = {"rpc_port": ports.free_port(), "ipfs_port": ports.free_port()}
        with pytest.raises(PortTaken) as refused:
            Devnet(folder, **{**free, which: port}).up()
    assert f"{port}" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert running(folder) == []


def test_another_port_is_taken_only_when_asked(folder: Path):
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        devnet = Devnet(folder, rpc_port=port, ipfs_port=ports.free_port(), auto_ports=True)
        try:
            assert devnet.up().is_up
            assert devnet.status().servers[0].port != port
        finally:
            devnet.down()


def test_asking_for_other_ports_than_it_runs_on_is_refused_and_leaves_it_running(devnet: Devnet):
    devnet.up()
    before = pids(devnet)
    with pytest.raises(InvalidInput, match="devnet down"):
        Devnet(devnet.folder, rpc_port=ports.free_port()).up()
    assert pids(devnet) == before


def test_when_the_second_server_fails_the_first_is_ended_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = tmp_path / "bin" / "ipfs"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nif [ "$1" = version ]; then echo 0.43.1; exit; fi\necho "disk is full" >&2; exit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ServerFailed, match="disk is full"):
        Devnet(folder, auto_ports=True).up()
    assert running(folder) == []
    assert states(Devnet(folder)) == {"anvil": "stopped", "kubo": "stopped"}


def test_when_a_later_step_fails_what_ran_before_goes_on(devnet: Devnet, monkeypatch: pytest.MonkeyPatch):
    devnet.up()
    before = pids(devnet)

    def fails(*_: object, **__: object) -> None:
        raise ServerFailed("no deployment today")

    monkeypatch.setattr(network_module, "deploy", fails)
    with pytest.raises(ServerFailed, match="no deployment today"):
        devnet.up()
    assert pids(devnet) == before


def test_without_the_programs_it_says_how_to_get_them(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def nowhere(name: str) -> str:
        raise ServerMissing(f"There is no program `{name}` on PATH.")

    monkeypatch.setattr(network_module, "find_program", nowhere)
    with pytest.raises(ServerMissing, match=r"anvil.*make setup"):
        Devnet(folder, auto_ports=True).up()
    assert running(folder) == []


# ── killed, asked to end, called twice ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [0.9, 1.2, 1.6, 2.2, 3.0])
def test_an_up_that_is_killed_at_any_moment_leaves_nothing_that_down_does_not_end(folder: Path, seconds: float):
    with subprocess.Popen([sys.executable, "-c", UP, str(folder)]) as starter:
        time.sleep(seconds)
        starter.kill()
    Devnet(folder).down()
    assert running(folder) == []
    again = Devnet(folder, auto_ports=True)
    assert again.up().is_up
    again.down()


def test_an_up_that_is_asked_to_end_ends_what_it_started(folder: Path):
    with subprocess.Popen([sys.executable, "-c", UP, str(folder)], stderr=subprocess.PIPE) as starter:
        deadline = time.monotonic() + 30
        while not running(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
        starter.terminate()
        _, said = starter.communicate(timeout=60)
    assert starter.returncode != 0
    assert b"SIGTERM" in said
    assert running(folder) == []


def test_two_ups_at_once_make_one_network(folder: Path):
    starters = [subprocess.Popen([sys.executable, "-c", UP, str(folder)]) for _ in range(2)]
    assert [starter.wait(timeout=120) for starter in starters] == [0, 0]
    try:
        assert len(running(folder)) == 2
        assert Devnet(folder).status().is_up
    finally:
        Devnet(folder).down()
    assert running(folder) == []


def test_a_folder_that_another_process_works_on_is_refused_after_a_while(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch
):
    import fcntl

    monkeypatch.setattr(network_module, "LOCK_SECONDS", 0.2)
    devnet.folder.mkdir(parents=True)
    with (devnet.folder / "lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DevnetBusy, match="another process"):
            devnet.up()
    assert running(devnet.folder) == []


# ── what it hands out ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_environment_is_a_shell_script_that_any_value_survives():
    values = {"MEDREC_RPC": "http://127.0.0.1:8545", "MEDREC_ACCOUNTS": '/a folder/it\'s $HOME `here`\n"x"'}
    script = as_shell(values) + '\nprintf "%s" "$MEDREC_ACCOUNTS"'
    assert subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True).stdout == values["MEDREC_ACCOUNTS"]
    assert shlex.split(as_shell({"A": "b"})) == ["export", "A=b"]


def test_accounts_are_funded_one_per_role_and_only_their_owner_can_read_the_files(devnet: Devnet):
    devnet.up()
    accounts = devnet.purse.open()
    assert set(accounts) == set(ROLES)
    assert len({account.address for account in accounts.values()}) == len(ROLES)
    with Chain.connect(devnet.rpc_url) as chain:
        assert all(chain.balance(account.address) >= 1_000 * 10**18 for account in accounts.values())
    for path in devnet.purse.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # No key is on a command line, in a log or in the environment, where others could read it.
    assert all("mnemonic" not in " ".join(process.cmdline()) for process in running(devnet.folder))


def test_the_default_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MEDREC_DEVNET", str(tmp_path / "named"))
    assert default_folder() == tmp_path / "named"
    monkeypatch.delenv("MEDREC_DEVNET")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert default_folder() == tmp_path / "state" / "medrec" / "devnet"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_folder() == Path.home() / ".local" / "state" / "medrec" / "devnet"
