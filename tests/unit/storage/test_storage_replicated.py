"""Replicas: a quorum for writes, the next one for reads, and nobody's failure kept quiet."""

import io
import logging
import random

import pytest

from medrec_py.errors import (
    ObjectMissing,
    ObjectTampered,
    QuorumNotReached,
    StoreAddressInvalid,
    StoreUnavailable,
)
from medrec_py.storage import Cid, FolderStore
from medrec_py.storage.kubo import KuboStore
from medrec_py.storage.replicated import ReplicatedStore

MIB = 1 << 20
DEAD = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
def folders(tmp_path):
    return [FolderStore(tmp_path / name) for name in ("north", "south", "west")]


@pytest.fixture
def replicas(folders):
    with ReplicatedStore(folders) as store:
        yield store


@pytest.fixture
def limping(folders):
    """Two folders and a node that is down, a quorum of two."""
    with ReplicatedStore([KuboStore(DEAD), *folders[:2]], quorum=2) as store:
        yield store


def content_of(size, seed=0):
    return random.Random(seed).randbytes(size)


def flip(store, cid, at=0):
    path = store._path(cid)
    changed = bytearray(path.read_bytes())
    changed[at] ^= 1
    path.write_bytes(changed)


def leaf_cids(content):
    return [Cid.of_raw(content[at : at + MIB]) for at in range(0, len(content), MIB)]


# ── write ──


@pytest.mark.parametrize("size", [0, 5, MIB, 5 * MIB + 1])
def test_every_replica_takes_a_stream_that_is_read_once(replicas, folders, size):
    content = content_of(size)

    class Once(io.RawIOBase):
        read_bytes = 0

        def __init__(self):
            self.inner = io.BytesIO(content)

        def read(self, length=-1):
            piece = self.inner.read(min(length, 300_000))
            Once.read_bytes += len(piece)
            return piece

    cid = replicas.put(Once())
    assert Once.read_bytes == size
    for folder in folders:
        assert folder.get(cid) == content
        assert folder.is_pinned(cid)


def test_a_write_counts_when_a_quorum_took_it_and_the_other_is_named_in_the_log(limping, caplog):
    with caplog.at_level(logging.WARNING):
        cid = limping.put(io.BytesIO(content_of(4 * MIB)))
        limping.put_many([b"a", b"b"])
    assert DEAD in caplog.text
    assert limping.get(cid) == content_of(4 * MIB)


def test_too_few_replicas_are_an_error_that_names_each_and_why(folders):
    with (
        ReplicatedStore([KuboStore(DEAD), KuboStore("http://127.0.0.1:7"), folders[0]], quorum=2) as store,
        pytest.raises(QuorumNotReached, match="1 of 3 replicas") as caught,
    ):
        store.put(b"medrec")
    assert set(caught.value.facts["failed"]) == {DEAD, "http://127.0.0.1:7"}
    assert "refused" in str(caught.value)
    assert folders[0].get(Cid.of_raw(b"medrec")) == b"medrec"


def test_a_source_that_breaks_is_the_callers_error_and_makes_no_object(replicas, folders):
    class Broken(io.RawIOBase):
        def __init__(self):
            self.left = 4

        def read(self, length=-1):
            self.left -= 1
            if not self.left:
                raise OSError("the scanner was unplugged")
            return bytes(length)

    with pytest.raises(OSError, match="unplugged"):
        replicas.put(Broken())
    assert all(list(folder.pins()) == [] for folder in folders)


def test_replicas_need_a_quorum_that_can_be_met_and_names_of_their_own(folders):
    for quorum in (0, 4):
        with pytest.raises(StoreAddressInvalid):
            ReplicatedStore(folders, quorum=quorum)
    with pytest.raises(StoreAddressInvalid):
        ReplicatedStore([])
    with pytest.raises(StoreAddressInvalid, match="twice"):
        ReplicatedStore([folders[0], FolderStore(folders[0].path)])


# ── read ──


def test_a_read_goes_on_in_the_next_replica_at_the_byte_where_one_failed(replicas, folders):
    content = content_of(6 * MIB)
    cid = replicas.put(content)
    leaves = leaf_cids(content)
    flip(folders[0], leaves[2])
    folders[1]._path(leaves[4]).unlink()
    assert b"".join(replicas.chunks(cid)) == content
    assert replicas.read(cid, 2 * MIB - 3, 10) == content[2 * MIB - 3 : 2 * MIB + 7]
    assert replicas.get(cid.digest) == content
    with replicas.open(cid) as file:
        file.seek(2 * MIB)
        assert file.read(MIB) == content[2 * MIB : 3 * MIB]
    told = {(item.store, item.kind, item.block) for item in replicas.incidents}
    assert told == {(folders[0].name, "corrupt", leaves[2]), (folders[1].name, "missing", leaves[4])}


def test_a_read_that_no_replica_can_serve_says_what_each_of_them_had(replicas, folders):
    cid = replicas.put(b"medrec")
    flip(folders[0], cid)
    folders[1].remove(cid)
    folders[2].remove(cid)
    with pytest.raises(ObjectTampered) as caught:
        replicas.get(cid.digest)
    kinds = dict(zip([folder.name for folder in folders], ["corrupt", "missing", "missing"], strict=True))
    assert caught.value.facts["replicas"] == kinds
    assert caught.value.facts["expected"] == cid.digest
    for folder in folders:
        assert folder.name in caught.value.message


def test_an_object_that_is_nowhere_is_missing_unless_a_replica_was_silent(replicas, limping):
    lost = Cid.of_raw(b"lost")
    with pytest.raises(ObjectMissing, match=str(lost)):
        replicas.get(lost)
    with pytest.raises(ObjectMissing):
        replicas.chunks(lost)
    with pytest.raises(StoreUnavailable, match="127"):
        limping.get(lost)
    with pytest.raises(StoreUnavailable):
        limping.has(lost)
    assert not replicas.has(lost)


def test_a_replica_that_did_not_answer_is_asked_last_for_a_while(limping):
    cid = limping.put(b"medrec")
    limping.incidents.clear()
    for _ in range(5):
        assert limping.get(cid) == b"medrec"
    assert not limping.incidents


def test_many_are_read_even_when_each_replica_lacks_another(replicas, folders):
    contents = [bytes([number]) * 100 for number in range(6)]
    cids = replicas.put_many(contents)
    for number, cid in enumerate(cids):
        folders[number % 3].remove(cid)
    assert replicas.get_many(cids) == contents
    assert replicas.get_many([]) == []


# ── keep ──


def test_verify_pins_names_the_replica_and_what_it_lacks(replicas, folders):
    content = content_of(2 * MIB)
    one, two, three = replicas.put(content), replicas.put(b"two"), replicas.put(b"three")
    assert replicas.verify_pins([one, two, three], deep=True) == []
    folders[0]._path(leaf_cids(content)[1]).unlink()
    folders[1].unpin(two)
    flip(folders[2], three)
    shallow = {(item.store, item.cid, item.kind, item.block) for item in replicas.verify_pins([one, two, three])}
    assert shallow == {
        (folders[0].name, one, "missing", leaf_cids(content)[1]),
        (folders[1].name, two, "unpinned", two),
    }
    deep = replicas.verify_pins([one, two.digest, three.digest], deep=True)
    assert (folders[2].name, three, "corrupt") in {(item.store, item.cid, item.kind) for item in deep}
    assert len(deep) == 3


def test_repair_brings_every_replica_back(replicas, folders):
    content = content_of(3 * MIB)
    one, two, three = replicas.put(content), replicas.put(b"two"), replicas.put(b"three")
    folders[0]._path(leaf_cids(content)[1]).unlink()
    flip(folders[1], leaf_cids(content)[0])
    folders[1].unpin(two)
    folders[2].remove(three)
    flip(folders[2], one)
    report = replicas.repair()
    assert report.remaining == ()
    assert {(item.store, item.cid) for item in report.repaired} == {
        (folders[0].name, one),
        (folders[1].name, one),
        (folders[1].name, two),
        (folders[2].name, three),
        (folders[2].name, one),
    }
    assert replicas.verify_pins([one, two, three], deep=True) == []
    assert all(folder.verify() == [] for folder in folders)
    assert replicas.repair().repaired == ()


def test_repair_says_what_it_could_not_mend(replicas, folders, limping):
    cid = replicas.put(b"medrec")
    for folder in folders:
        flip(folder, cid)
    report = replicas.repair([cid, cid.digest])
    assert report.repaired == ()
    assert {item.store for item in report.remaining} == {folder.name for folder in folders}
    kept = limping.put(b"kept")
    report = limping.repair([kept])
    assert [(item.store, item.kind) for item in report.remaining] == [(DEAD, "unavailable")]


def test_pinned_means_pinned_by_a_quorum(replicas, folders):
    cid = replicas.put(b"medrec")
    folders[0].unpin(cid)
    assert replicas.is_pinned(cid)
    folders[1].unpin(cid)
    assert not replicas.is_pinned(cid)
    replicas.pin(cid)
    assert all(folder.is_pinned(cid) for folder in folders)
    folders[0].remove(cid)
    folders[1].remove(cid)
    with pytest.raises(QuorumNotReached, match="1 of 3"):
        replicas.pin(cid)
    folders[2].remove(cid)
    with pytest.raises(ObjectMissing):
        replicas.pin(cid)


def test_pins_are_the_union_and_a_silent_replica_is_named(replicas, folders, limping):
    only_west = folders[2].put(b"west")
    everywhere = replicas.put(b"everywhere")
    assert set(replicas.pins()) == {only_west, everywhere}
    for act in (lambda: list(limping.pins()), lambda: limping.unpin(everywhere), lambda: limping.remove(everywhere)):
        with pytest.raises(StoreUnavailable, match="127"):
            act()
