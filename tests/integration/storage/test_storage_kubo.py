"""A real Kubo node whose disk, peers or process fail."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from medrec_py.devnet.kubo import KuboNode
from medrec_py.errors import ObjectMissing, ObjectTampered, QuorumNotReached, StoreUnavailable
from medrec_py.storage import Cid, FolderStore, open_store
from medrec_py.storage.kubo import KuboStore
from medrec_py.storage.replicated import ReplicatedStore

MIB = 1 << 20

pytestmark = pytest.mark.servers


@pytest.fixture
def store(own_kubo):
    with KuboStore(own_kubo.address) as opened:
        yield opened


def test_a_byte_that_changed_on_the_nodes_disk_is_refused(own_kubo, store, leaves_of):
    """Kubo itself doesn't hash what it reads: its plain `cat` gives out the altered bytes."""
    content = os.urandom(3 * MIB)
    cid, leaf = store.put(content), leaves_of(content)[1]
    own_kubo.flip(leaf, 99)
    altered = bytearray(content)
    altered[MIB + 99] ^= 1
    assert store._rpc.call("cat", str(cid), limit=4 * MIB) == altered
    with pytest.raises(ObjectTampered, match=str(leaf)):
        store.get(cid)
    assert store.read(cid, 0, MIB) == content[:MIB]
    assert [(item.kind, item.block) for item in store.verify_pins([cid.digest], deep=True)] == [("corrupt", leaf)]
    own_kubo.flip(cid)
    for target in (cid, cid.digest):
        with pytest.raises(ObjectTampered, match=cid.digest.hex()):
            store.get(target)


def test_a_block_that_is_gone_is_named_at_once_and_not_waited_for(own_kubo, store, leaves_of):
    content = os.urandom(3 * MIB)
    cid, leaf = store.put(content), leaves_of(content)[2]
    own_kubo.block_file(leaf).unlink()
    started = time.monotonic()
    for act in (store.get, store.pin):
        with pytest.raises(ObjectMissing, match=str(leaf)) as caught:
            act(cid)
        assert caught.value.facts["cid"] == str(leaf)
    assert not store.has(cid)
    assert store.is_pinned(cid)
    assert [(item.kind, item.block) for item in store.verify_pins([cid])] == [("missing", leaf)]
    assert time.monotonic() - started < 5
    assert store.put(content) == cid
    assert store.verify_pins([cid], deep=True) == []


def test_repair_mends_a_node_whose_blocks_are_gone_or_altered(own_kubo, store, leaves_of, tmp_path):
    first = os.urandom(4 * MIB)
    contents = [first, first[: 2 * MIB] + b"shares two leaves", b"small", os.urandom(2 * MIB), os.urandom(2 * MIB)]
    folder = FolderStore(tmp_path / "folder")
    with ReplicatedStore([store, folder]) as both:
        cids = both.put_many(contents)
        own_kubo.flip(leaves_of(first)[0])
        own_kubo.block_file(leaves_of(first)[3]).unlink()
        for cid in cids[2:4]:
            own_kubo.flip(cid)
        store.remove(cids[4])
        folder.unpin(cids[0])
        folder._path(cids[1]).unlink()
        assert both.get_many([cid.digest for cid in cids]) == contents
        assert len(store.verify_pins(cids, deep=True)) == 5
        report = both.repair(cids)
        assert report.remaining == ()
        assert {item.cid for item in report.repaired if item.store == store.name} == {*cids} - {cids[1]}
        assert both.verify_pins(cids, deep=True) == []
        assert [store.get(cid) for cid in cids] == contents
    with pytest.raises(StoreUnavailable, match="was closed"):
        store.get(cids[0])


def test_a_node_that_goes_away_is_named_and_what_was_acknowledged_is_there_when_it_comes_back(own_kubo):
    node = own_kubo.node
    store = KuboStore(node.api_address)
    kept = store.put(b"acknowledged")
    port = int(node.api_address.rsplit("/", 1)[-1])
    node.stop()
    acts = [
        lambda: store.put(b"x"),
        lambda: store.put_many([b"x", b"y"]),
        lambda: store.get(kept),
        lambda: store.has(kept),
        lambda: store.is_pinned(kept),
        lambda: store.pin(kept),
        lambda: store.unpin(kept),
        lambda: store.remove(kept),
        lambda: store.stat(kept),
        lambda: list(store.pins()),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable, match=f"/ip4/127.0.0.1/tcp/{port}") as caught:
            act()
        assert "refused" in caught.value.message
        assert "Start the server" in caught.value.hint
    assert [item.kind for item in store.verify_pins([kept])] == ["unavailable"]
    again = KuboNode(node.repo, api_port=port)
    with again:
        assert store.get(kept) == b"acknowledged"
        assert store.verify_pins([kept], deep=True) == []
    store.close()


def test_a_node_killed_in_the_middle_of_an_upload_leaves_a_clear_error_and_no_acknowledged_loss(own_kubo, tmp_path):
    node = own_kubo.node

    class Deadly:
        """Kills the node when half is read."""

        def __init__(self):
            self.left = 40

        def read(self, length=-1):
            self.left -= 1
            if self.left == 20:
                os.kill(node.pid, 9)
            return random.Random(self.left).randbytes(MIB) if self.left > 0 else b""

    with KuboStore(node.api_address) as store:
        kept = store.put(b"acknowledged")
        with pytest.raises(StoreUnavailable, match="can't be reached for add"):
            store.put(Deadly())
    node.stop()
    node.start()
    with KuboStore(node.api_address) as store:
        assert store.verify_pins([kept], deep=True) == []
        folder = FolderStore(tmp_path / "folder")
        with ReplicatedStore([store, folder], quorum=2) as both:
            with pytest.raises(QuorumNotReached, match="1 of 2"):
                both.put(Deadly())
            kept = list(folder.pins())
            assert len(kept) == 1
            assert folder.verify_pins(kept, deep=True) == []


def test_what_one_node_keeps_another_finds_by_asking_its_peers(kubo_program, tmp_path):
    content = os.urandom(3 * MIB)
    with (
        KuboNode(tmp_path / "hospital", kubo_program) as hospital,
        KuboNode(tmp_path / "clinic", kubo_program) as clinic,
        KuboStore(hospital.api_address) as theirs,
        KuboStore(clinic.api_address, search_seconds=5) as ours,
        KuboStore(clinic.api_address, search_seconds=0) as local,
    ):
        cid = theirs.put(content)
        with pytest.raises(ObjectMissing):
            ours.get(cid)
        clinic.connect(hospital)
        with pytest.raises(ObjectMissing):
            local.get(cid)
        assert not ours.has(cid)
        assert ours.get(cid.digest) == content
        assert ours.has(cid)
        assert not ours.is_pinned(cid)
        ours.pin(cid)
        assert ours.verify_pins([cid], deep=True) == []
        started = time.monotonic()
        with (
            KuboStore(clinic.api_address, search_seconds=0.5) as hasty,
            pytest.raises(ObjectMissing, match=r"asked for 0\.5s"),
        ):
            hasty.get(Cid.of_raw(b"nobody has this"))
        assert time.monotonic() - started < 5


def test_pinning_fetches_from_peers(kubo_program, tmp_path):
    with (
        KuboNode(tmp_path / "hospital", kubo_program) as hospital,
        KuboNode(tmp_path / "clinic", kubo_program) as clinic,
        open_store(hospital.api_address) as theirs,
        open_store(clinic.api_address) as ours,
    ):
        cid = theirs.put(os.urandom(2 * MIB))
        clinic.connect(hospital)
        ours.pin(cid)
        assert ours.has(cid)


def test_objects_of_others_in_the_same_node_are_passed_over(own_kubo, store):
    """The node's own help files are pinned as CIDv0."""
    cid = store.put(b"ours")
    assert list(store.pins()) == [cid]
    assert "Qm" in own_kubo.node.run("pin", "ls", "--type=recursive")


def test_many_threads_share_one_client(store):
    contents = [random.Random(seed).randbytes(random.Random(seed).randrange(1, 700_000)) for seed in range(60)]
    with ThreadPoolExecutor(16) as pool:
        cids = list(pool.map(store.put, contents))
        assert list(pool.map(store.get, cids)) == contents
    assert store.verify_pins(cids) == []
