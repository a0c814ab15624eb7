"""A real Anvil: started, found, stalled, killed; and what a connected chain says to each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from chain_world import World, digest, locator

from medrec_py.chain import Call, Chain, TransactionReceipt, sending
from medrec_py.chain.node import without_credentials
from medrec_py.chain.transactions import dynamic_fee_transaction
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.errors import (
    ChainInconsistent,
    ChainUnavailable,
    NonceUsed,
    NotMined,
    PortTaken,
    Refused,
    RpcAddressInvalid,
    RpcRefused,
    ServerFailed,
    ServerMissing,
)

pytestmark = pytest.mark.servers


def anchoring(world: World) -> Call:
    return world.medrec.anchor(world.payer.address, [digest()], [locator()])


# ── the node ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_node_answers_when_started_and_is_gone_when_stopped() -> None:
    with AnvilNode(chain_id=4242) as node:
        pid = node.process_id
        assert pid is not None
        with node.connect() as chain:
            assert chain.chain_id == 4242
            assert {chain.balance(account.address) for account in node.accounts} == {10_000 * 10**18}
    assert not psutil.pid_exists(pid)
    assert node.process_id is None
    node.stop()


def test_nothing_is_left_running_when_the_work_with_it_fails() -> None:
    node = AnvilNode()
    pids = []

    def work() -> None:
        with node:
            pids.append(node.process_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert len(pids) == 1
    assert not psutil.pid_exists(pids[0])


def test_a_killed_starter_takes_its_node_with_it() -> None:
    program = (
        "import time; from medrec_py.devnet.anvil import AnvilNode\n"
        "with AnvilNode() as node: print(node.process_id, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    node = psutil.Process(int(starter.stdout.readline()))
    assert node.is_running()
    starter.kill()
    starter.communicate()
    node.wait(10)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            AnvilNode(port).start()


def test_a_node_that_ends_at_once_is_quoted() -> None:
    with pytest.raises(ServerFailed, match="unexpected argument"):
        AnvilNode(options=("--no-such-option",)).start()
    with pytest.raises(ServerFailed, match="code"):
        AnvilNode(binary=sys.executable).start()


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("medrec_py.devnet.programs.os.access", lambda *_: False)
    with pytest.raises(ServerMissing, match="anvil"):
        AnvilNode()


# ── a server that is not there, or goes away ─────────────────────────────────────────────────────────────────────────


def test_an_address_where_nobody_answers_is_named_without_its_credentials() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(ChainUnavailable, match=f"http://127.0.0.1:{port} does not answer") as refusal:
        Chain.connect(f"http://somebody:secret@127.0.0.1:{port}/v3/api-key")
    assert time.monotonic() - begun < 5
    for hidden in ("secret", "api-key", "somebody"):
        assert hidden not in str(refusal.value)
    assert "Nothing was lost" in str(refusal.value)


@pytest.mark.parametrize(
    "address", ["", "localhost:8545", "ftp://127.0.0.1", "http://", "/no/such/pipe", "file:///etc"]
)
def test_what_is_no_address_of_a_server_is_refused(address: str) -> None:
    with pytest.raises(RpcAddressInvalid):
        Chain.connect(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pass@host.example:8545/key?x=1", "https://host.example:8545"),
        ("https://host.example/v3/key", "https://host.example"),
        ("wss://[::1]:8546/ws", "wss://[::1]:8546"),
        ("/run/geth.ipc", "/run/geth.ipc"),
    ],
)
def test_credentials_are_cut_from_addresses(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


def test_a_node_killed_amid_work_is_reported_and_what_was_signed_can_be_sent_again(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "chain.json"), "--preserve-historical-states")
    with AnvilNode(options=state) as node, node.connect() as chain:
        world = World(chain, node.accounts[0])
        signed = chain.prepare(world.payer, anchoring(world))
        port, pid = node.port, node.process_id
        assert pid is not None
        node.stop()  # SIGTERM: Anvil writes its state
        for act in (
            lambda: chain.head_number(),
            lambda: chain.send(world.payer, anchoring(world)),
            lambda: chain.send_many(world.payer, [anchoring(world)] * 3),
            lambda: chain.broadcast(signed.raw),
            lambda: chain.wait(signed.hash),
            lambda: chain.logs(0, 10),
            lambda: world.medrec.ledger_head(world.payer.address),
        ):
            with pytest.raises(ChainUnavailable, match=str(port)):
                act()
        with AnvilNode(port, options=state):
            chain.broadcast(signed.raw)
            assert len(chain.wait(signed.hash).events) == 1


def test_a_kill_in_the_middle_of_many_leaves_a_clear_error() -> None:
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0])
        pid = node.process_id
        assert pid is not None
        killer = threading.Timer(0.4, os.kill, (pid, signal.SIGKILL))
        killer.start()
        calls = [anchoring(world) for _ in range(20_000)]
        with pytest.raises(ChainUnavailable, match="does not answer"):
            chain.send_many(world.payer, calls)
        killer.join()


class Garbage(BaseHTTPRequestHandler):
    """Answers every request with what no JSON-RPC server says."""

    answers = (b"", b"<html>", b"[]", b"{}", b'"text"', b'{"result": 7}', b'{"error": "words"}', b"\xff\xfe")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        index = int(self.path.strip("/"))
        self.send_response(200)
        self.send_header("content-length", str(len(self.answers[index])))
        self.end_headers()
        self.wfile.write(self.answers[index])

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_speaks_no_json_rpc_is_refused_in_words() -> None:
    server = HTTPServer(("127.0.0.1", 0), Garbage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for index in range(len(Garbage.answers)):
            with pytest.raises((ChainInconsistent, ChainUnavailable, RpcRefused)):
                Chain.connect(f"http://127.0.0.1:{server.server_port}/{index}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ── transactions that do not move ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dropped", [False, True])
def test_a_transaction_that_does_not_move_is_sent_again_at_a_higher_fee(
    monkeypatch: pytest.MonkeyPatch, dropped: bool
) -> None:
    monkeypatch.setattr(sending, "STALLED_AFTER", 0.3)
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0])
        chain.node.request("evm_setAutomine", [False])
        outcomes: list[TransactionReceipt] = []
        sender = threading.Thread(target=lambda: outcomes.append(chain.send(world.payer, anchoring(world))))
        sender.start()
        while not (pool := chain.node.request("txpool_content", [])["pending"]):
            time.sleep(0.01)
        (first,) = (
            pool[world.payer.address].values() if world.payer.address in pool else next(iter(pool.values())).values()
        )
        if dropped:
            chain.node.request("anvil_dropTransaction", [first["hash"]])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            waiting = chain.node.request("txpool_content", [])["pending"]
            hashes = {one["hash"] for of_one in waiting.values() for one in of_one.values()}
            if hashes and first["hash"] not in hashes:
                break
            time.sleep(0.02)
        chain.node.request("evm_mine", [])
        sender.join()
        assert "0x" + outcomes[0].hash.hex() != first["hash"]
        mined = chain.ask("eth_getTransactionByHash", "0x" + outcomes[0].hash.hex())
        assert mined["nonce"] == first["nonce"]
        assert int(mined["maxFeePerGas"], 16) >= int(first["maxFeePerGas"], 16) * 5 // 4
        assert (
            len(
                [logged for logged in chain.logs(0, chain.head_number()) if logged.transaction_hash == outcomes[0].hash]
            )
            == 1
        )


def test_a_transaction_that_another_one_replaced_is_reported_as_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "REPLACED_AFTER", 0.3)
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0])
        chain.node.request("evm_setAutomine", [False])
        errors: list[Refused] = []

        def send() -> None:
            try:
                chain.send(world.payer, anchoring(world))
            except Refused as error:
                errors.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        while not (pool := chain.node.request("txpool_content", [])["pending"]):
            time.sleep(0.01)
        (first,) = next(iter(pool.values())).values()
        dearer = dynamic_fee_transaction(
            chain_id=chain.chain_id,
            nonce=int(first["nonce"], 16),
            to=world.viewer.address,
            data=b"",
            value=0,
            gas=21_000,
            max_fee=int(first["maxFeePerGas"], 16) * 2,
            max_priority_fee=int(first["maxPriorityFeePerGas"], 16) * 2,
        )
        chain.broadcast(world.payer.sign_transaction(dearer))
        chain.node.request("evm_mine", [])
        sender.join()
        assert [type(error) for error in errors] == [NonceUsed]
        assert world.medrec.ledger_head(world.payer.address) == bytes(32)


def test_a_transaction_that_is_never_mined_is_reported_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MINING_TIMEOUT", 0.5)
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0])
        chain.node.request("evm_setAutomine", [False])
        with pytest.raises(NotMined, match="1 of 1"):
            chain.send(world.payer, anchoring(world))
        with pytest.raises(NotMined, match="3 of 3"):
            chain.send_many(world.payer, [anchoring(world) for _ in range(3)])


def test_time_can_be_moved_on_a_development_chain_only(anvil_world: World) -> None:
    before = anvil_world.chain.now()
    assert anvil_world.chain.travel(3600) >= before + 3600
