"""Starting and stopping a Kubo node of one's own."""

import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from medrec_py.devnet import kubo as kubo_module
from medrec_py.devnet.kubo import KuboNode, find_kubo
from medrec_py.devnet.ports import is_free
from medrec_py.errors import PortTaken, ServerFailed, ServerMissing
from medrec_py.storage import open_store

pytestmark = pytest.mark.servers


def test_a_node_listens_on_loopback_only_and_knows_nobody(kubo):
    node = kubo.node
    listening = node.rpc("swarm/addrs/listen")["Strings"]
    assert listening
    assert all(address.startswith("/ip4/127.0.0.1/") for address in [*listening, node.api_address])
    assert node.gateway_url.startswith("http://127.0.0.1:")
    assert node.rpc("swarm/peers")["Peers"] is None
    config = json.loads((node.repo / "config").read_text())
    assert config["Bootstrap"] == []
    assert config["Discovery"]["MDNS"]["Enabled"] is False
    assert config["Routing"]["Type"] == "none"
    assert config["Provide"]["Enabled"] is False
    assert config["Plugins"]["Plugins"]["telemetry"]["Disabled"] is True
    assert config["AutoConf"]["Enabled"] is False
    if sys.platform == "linux":
        assert b"IPFS_TELEMETRY=off" in Path(f"/proc/{node.pid}/environ").read_bytes()
    assert oct((node.repo / "config").stat().st_mode & 0o777) == "0o600"


def test_a_node_keeps_what_it_has_when_it_is_stopped_and_started(kubo_program, tmp_path):
    node = KuboNode(tmp_path / "repo", kubo_program)
    with node, open_store(node.api_address) as store:
        cid = store.put(b"record")
        identity = node.rpc("id")["ID"]
    assert not node.is_running
    assert node.pid is None
    with node, open_store(node.api_address) as store:
        assert store.get(cid.digest) == b"record"
        assert node.rpc("id")["ID"] == identity
    node.stop()


def test_another_object_for_the_same_folder_sees_uses_and_stops_the_node(kubo_program, tmp_path):
    with KuboNode(tmp_path / "repo", kubo_program) as node:
        other = KuboNode(tmp_path / "repo", kubo_program)
        assert other.is_running
        assert other.api_address == node.api_address
        assert other._is_locked()
        with pytest.raises(ServerFailed, match="already runs"):
            other.start()
        other.stop()
        assert not other._is_locked()
        assert not node.is_running
        with other:
            assert other.is_running


def test_a_port_that_is_taken_is_named_and_nothing_is_started(kubo_program, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name, what in (("api_port", "API"), ("gateway_port", "Gateway"), ("swarm_port", "Swarm")):
            node = KuboNode(tmp_path / "repo", kubo_program, **{name: port})
            with pytest.raises(PortTaken, match=f"{port} on 127.0.0.1, for Kubo's {what}"):
                node.start()
            assert node.pid is None


def test_ports_that_are_asked_for_are_used(kubo_program, tmp_path):
    # Below those that the system hands out by itself, or the node's other listener may be given this very one.
    port = next(port for port in range(20_000 + os.getpid() % 10_000, 32_000) if is_free(port))
    with KuboNode(tmp_path / "repo", kubo_program, api_port=port) as node:
        assert node.api_address == f"/ip4/127.0.0.1/tcp/{port}"


def test_a_node_that_cannot_start_says_its_own_last_words_and_leaves_no_process(kubo_program, tmp_path):
    node = KuboNode(tmp_path / "repo", kubo_program)
    with node:
        pass
    (tmp_path / "repo" / "version").write_text("3\n")
    with pytest.raises(ServerFailed, match=r"(?s)ended with 1.*migrat"):
        node.start()
    assert node.pid is None
    assert not node.is_running


def test_a_program_that_never_answers_is_ended(tmp_path, kubo_program, monkeypatch):
    silent = tmp_path / "silent"
    pid = tmp_path / "pid"
    silent.write_text(
        f'#!/bin/sh\nif [ "$1" = daemon ]; then echo $$ > {pid}; exec sleep 600; fi\nexec {kubo_program} "$@"\n'
    )
    silent.chmod(0o755)
    monkeypatch.setattr(kubo_module, "START_SECONDS", 0.3)
    node = KuboNode(tmp_path / "repo", str(silent))
    with pytest.raises(ServerFailed, match="didn't answer within"):
        node.start()
    assert node.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_an_interrupted_start_leaves_no_process(kubo_program, tmp_path, monkeypatch):
    node = KuboNode(tmp_path / "repo", kubo_program)
    started = []

    def interrupt():
        started.append(node.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(node, "_wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        node.start()
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_node_killed_from_outside_can_be_started_again(kubo_program, tmp_path):
    node = KuboNode(tmp_path / "repo", kubo_program)
    with node:
        os.kill(node.pid, 9)
        while node.pid is not None:
            time.sleep(0.01)
        assert not node.is_running
    with node:
        assert node.is_running


def test_an_address_left_by_a_killed_node_is_not_taken_for_a_running_one(kubo, kubo_program, tmp_path):
    node = KuboNode(tmp_path / "repo", kubo_program)
    with node:
        os.kill(node.pid, 9)
        while node.pid is not None:
            time.sleep(0.01)
    (node.repo / "api").write_text(kubo.address)
    assert not node.is_running
    with node:
        assert node.api_address != kubo.address


def test_without_the_program_it_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(kubo_module, "__file__", str(tmp_path / "a" / "b" / "kubo.py"))
    with pytest.raises(ServerMissing, match=r"on PATH or in \.tools/bin"):
        find_kubo()
    old = tmp_path / "ipfs"
    old.write_text("#!/bin/sh\necho 0.20.0\n")
    old.chmod(0o755)
    with pytest.raises(ServerMissing, match=r"is version 0\.20\.0"):
        find_kubo()


def test_a_refusal_of_the_node_is_told_in_its_words(kubo):
    with pytest.raises(ServerFailed, match="invalid"):
        kubo.node.rpc("block/get", arg="nonsense")
    with pytest.raises(ServerFailed, match="ended with 1"):
        kubo.node.run("block", "get", "nonsense")
    with pytest.raises(ServerFailed, match="not running"):
        KuboNode(kubo.node.repo / "elsewhere").rpc("id")
