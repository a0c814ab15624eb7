"""The chain inside the process: time, persistence, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chain_world import World, digest, locator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrec_py.chain import Call, EmbeddedChain, as_account, deploy, generate_account
from medrec_py.chain.block_store import FILE_NAME, BlockStore
from medrec_py.errors import (
    ChainDamaged,
    ChainInUse,
    DeploymentMissing,
    InsufficientEther,
    InvalidInput,
    NonceUsed,
    RpcRefused,
    WrongChain,
)
from medrec_py.types.terms import Refusal

# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_expires_on_its_second_without_any_transaction(fresh_world: World) -> None:
    ends = fresh_world.chain.now() + 2
    grant, _ = fresh_world.granted(expires_at=ends)
    height = fresh_world.chain.head_number()
    assert fresh_world.medrec.evaluate([grant], fresh_world.request()).permitted
    while fresh_world.chain.now() < ends:
        time.sleep(0.05)
    assert fresh_world.medrec.evaluate([grant], fresh_world.request()).refusal is Refusal.EXPIRED
    assert fresh_world.chain.head_number() == height


def test_blocks_never_run_ahead_of_the_clock_however_many_there_are(fresh_world: World) -> None:
    chain = fresh_world.chain
    for _ in range(30):
        chain.send(chain.developer, Call(fresh_world.patient.address, b"", "", 1))  # type: ignore[attr-defined]
    assert abs(chain.now() - time.time()) < 2


def test_travelling_moves_time_forward_and_keeps_it_running(fresh_world: World) -> None:
    chain = fresh_world.chain
    before = chain.now()
    assert chain.travel(86_400) >= before + 86_400
    assert chain.now() - time.time() > 86_390
    chain.set_time(before + 200_000)  # type: ignore[attr-defined]
    assert before + 200_000 <= chain.now() <= before + 200_002
    receipt = fresh_world.send(fresh_world.registrar.publish_vocabulary(digest()))
    assert chain.block_times([receipt.block_hash])[0] in range(before + 200_000, before + 200_003)


def test_time_does_not_go_back(fresh_world: World) -> None:
    with pytest.raises(InvalidInput):
        fresh_world.chain.set_time(fresh_world.chain.now() - 100)  # type: ignore[attr-defined]
    with pytest.raises(RpcRefused):
        fresh_world.chain.travel(-100)


# ── persistence ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_keeps_the_whole_chain(tmp_path: Path) -> None:
    with EmbeddedChain(tmp_path / "chain", chain_id=77) as chain:
        world = World(chain, chain.developer)
        world.fund(world.patient)
        receipt = chain.send(world.patient, world.medrec.anchor(world.patient.address, [digest()], [locator()]))
        chain.travel(1_000_000)
        kept = (
            chain.chain_id,
            chain.developer.address,
            chain.head_number(),
            world.medrec.ledger_head(world.patient.address),
            chain.logs(0, chain.head_number()),
            chain.block_hash(receipt.block_number),
        )
        now = chain.now()
    with EmbeddedChain(tmp_path / "chain", chain_id=1) as chain:
        report = deploy(chain, chain.developer)
        assert not report.receipts
        assert report.deployment == world.deployment
        world.chain = world.medrec.chain = chain
        assert kept == (
            chain.chain_id,
            chain.developer.address,
            chain.head_number(),
            world.medrec.ledger_head(world.patient.address),
            chain.logs(0, chain.head_number()),
            chain.block_hash(receipt.block_number),
        )
        assert chain.receipt(receipt.hash, name="anchor") == receipt
        assert now <= chain.now() < now + 30


def test_only_the_owner_can_read_the_folder_s_keys(tmp_path: Path) -> None:
    with EmbeddedChain(tmp_path):
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_two_at_once_are_refused_and_one_after_the_other_are_not(tmp_path: Path) -> None:
    with EmbeddedChain(tmp_path), pytest.raises(ChainInUse, match="holds the embedded chain"):
        EmbeddedChain(tmp_path, wait=0.1)
    EmbeddedChain(tmp_path, wait=0.1).close()


def test_another_process_waits_for_its_turn(tmp_path: Path) -> None:
    program = (
        "import sys; from medrec_py.chain import EmbeddedChain\n"
        "with EmbeddedChain(sys.argv[1], wait=30) as chain: print(chain.head_number())"
    )
    with EmbeddedChain(tmp_path) as chain:
        chain.fund(generate_account().address, 1)
        other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        assert other.poll() is None
        chain.fund(generate_account().address, 1)
    out, _ = other.communicate(timeout=60)
    assert (other.returncode, out) == (0, "2\n")


@pytest.mark.parametrize(
    "content", [b"no database at all, not even a page of one" * 100, b"SQLite format 3\0" + bytes(4080)]
)
def test_a_file_that_is_no_chain_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ChainDamaged):
        EmbeddedChain(tmp_path, wait=0.1)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_chain_of_another_format_is_refused(tmp_path: Path) -> None:
    EmbeddedChain(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    with connection:
        connection.execute("UPDATE entries SET value = ? WHERE key = ?", (b"another", b"medrec:format"))
    connection.close()
    with pytest.raises(ChainDamaged, match="another format"):
        EmbeddedChain(tmp_path)


KILLED = """
import os, sys
from medrec_py.chain import Call, EmbeddedChain
with EmbeddedChain(sys.argv[1]) as chain:
    while True:
        receipt = chain.fund("0x" + os.urandom(20).hex(), 1)
        sys.stdout.write(receipt.hash.hex() + "\\n")
        sys.stdout.flush()
"""


def killed_chain(folder: Path, transactions: int) -> list[bytes]:
    """Runs transactions in a process that is killed amid them; the hashes whose receipts it had been given."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(transactions)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    lines = [*seen, *rest.splitlines(keepends=True)]
    return [bytes.fromhex(line) for line in lines if line.endswith("\n")]


@pytest.mark.parametrize("transactions", [1, 7, 40])
def test_a_kill_loses_no_transaction_whose_receipt_was_given(tmp_path: Path, transactions: int) -> None:
    hashes = killed_chain(tmp_path, transactions)
    with EmbeddedChain(tmp_path) as chain:
        receipts = [chain.receipt(one) for one in hashes]
        assert all(receipts)
        assert len(hashes) <= chain.head_number() <= len(hashes) + 1
        chain.fund(generate_account().address, 1)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.37, 0.5, 0.77, 0.99])
def test_a_torn_write_ahead_log_leaves_whole_blocks(tmp_path: Path, keep: float) -> None:
    hashes = killed_chain(tmp_path, 20)
    log = tmp_path / f"{FILE_NAME}-wal"
    size = log.stat().st_size
    assert size > 0
    os.truncate(log, int(size * keep))
    with EmbeddedChain(tmp_path) as chain:
        height = chain.head_number()
        assert 0 <= height <= len(hashes) + 1
        for number in range(height + 1):
            assert chain.block_hash(number) is not None
        found = [chain.receipt(one) is not None for one in hashes]
        assert found == sorted(found, reverse=True)
        chain.fund(generate_account().address, 1)
        assert chain.head_number() == height + 1


def test_five_hundred_transactions_reopen_at_once(tmp_path: Path) -> None:
    with EmbeddedChain(tmp_path / "chain") as chain:
        world = World(chain, chain.developer)
        subject = chain.developer.address
        calls = [world.medrec.anchor(subject, [digest()], [locator()]) for _ in range(500)]
        chain.send_many(chain.developer, calls)
        height = chain.head_number()
    begun = time.monotonic()
    with EmbeddedChain(tmp_path / "chain") as chain:
        deploy(chain, chain.developer)
        opened = time.monotonic() - begun
        assert chain.head_number() == height
        assert len(chain.logs(0, height)) == 501
    assert opened < 2.0


def test_what_failed_before_its_commit_leaves_no_trace(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    store[b"a"] = b"1"
    store.commit()
    store[b"a"] = b"2"
    del store[b"a"]
    store[b"b"] = b"3"
    assert b"a" not in store
    store.roll_back()
    assert store[b"a"] == b"1"
    assert b"b" not in store
    with pytest.raises(KeyError):
        del store[b"b"]
    store[b"c"] = b"4"
    store.close()
    store = BlockStore(tmp_path)
    assert store[b"a"] == b"1"
    assert b"c" not in store
    store.close()


# ── transactions that can't be ───────────────────────────────────────────────────────────────────────────────────────


def test_a_transaction_of_another_chain_is_refused(fresh_world: World) -> None:
    with EmbeddedChain(chain_id=99) as other:
        signed = other.prepare(other.developer, Call(other.developer.address, b""))
    with pytest.raises(RpcRefused, match="chain id"):
        fresh_world.chain.broadcast(signed.raw)
    with pytest.raises(WrongChain), EmbeddedChain(chain_id=98) as third:
        third.use(fresh_world.deployment)


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\x02\xc0", b"\xf8", b"\x7f" * 50, b"\x03" * 9])
def test_bytes_that_are_no_transaction_are_refused(world: World, raw: bytes) -> None:
    with pytest.raises(RpcRefused):
        world.chain.broadcast(raw)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_transactions(world: World, raw: bytes) -> None:
    with pytest.raises(RpcRefused):
        world.chain.broadcast(raw)


def test_an_account_without_ether_is_told_so(world: World) -> None:
    with pytest.raises(InsufficientEther, match="may cost up to"):
        world.chain.send(generate_account(), world.medrec.revoke(digest()))


def test_a_signed_transaction_is_broadcast_any_number_of_times_and_mined_once(fresh_world: World) -> None:
    chain = fresh_world.chain
    signed = chain.prepare(fresh_world.payer, fresh_world.medrec.revoke(digest()))
    assert chain.receipt(signed.hash) is None
    assert chain.broadcast(signed.raw) == chain.broadcast(signed.raw) == signed.hash
    assert len(chain.wait(signed.hash).events) == 1
    assert chain.broadcast(signed.raw) == signed.hash


def test_a_used_nonce_is_told_from_a_known_transaction(fresh_world: World) -> None:
    chain = fresh_world.chain
    first = chain.prepare(fresh_world.payer, fresh_world.medrec.revoke(digest()))
    second = chain.prepare(fresh_world.payer, fresh_world.medrec.revoke(digest()))
    assert first.nonce == second.nonce
    chain.broadcast(first.raw)
    with pytest.raises(NonceUsed):
        chain.broadcast(second.raw)
    with pytest.raises(RpcRefused, match="too high"):
        chain.broadcast(chain.prepare(fresh_world.payer, Call(fresh_world.payer.address, b""), nonce=10**6).raw)


# ── web3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_web3_s_tester_provider_shows_the_same_chain(tmp_path: Path) -> None:
    with EmbeddedChain(tmp_path / "chain") as chain:
        world = World(chain, chain.developer)
        web3 = chain.web3
        assert web3.eth.chain_id == chain.chain_id
        assert web3.eth.block_number == chain.head_number()
        assert web3.eth.get_code(world.medrec.address) == chain.code(world.medrec.address)
        recipient = generate_account().address
        web3.eth.send_transaction({"from": chain.developer.address, "to": recipient, "value": 7})
        assert chain.balance(recipient) == 7
        height = chain.head_number()
    with EmbeddedChain(tmp_path / "chain") as chain:
        assert (chain.balance(recipient), chain.head_number()) == (7, height)
        with pytest.raises(DeploymentMissing):
            chain.logs(0, height)


def test_a_developer_s_key_is_new_for_each_network() -> None:
    with EmbeddedChain() as first, EmbeddedChain() as second:
        assert first.developer.address != second.developer.address
        assert as_account(first.developer) is first.developer


def test_the_embedded_chain_leaves_a_recursion_limit_that_the_stack_can_bear() -> None:
    # py-ecc sets 100,000 when it is imported, with which nested JSON kills the process.
    program = "import sys; from medrec_py.chain import EmbeddedChain; EmbeddedChain(); print(sys.getrecursionlimit())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30_000
