"""What every store does alike: one suite for the folder, Kubo, and replicas of them."""

import io
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from medrec_py.errors import InvalidInput, ObjectMissing, ObjectTooLarge
from medrec_py.storage import Cid, Codec, FolderStore, open_store
from medrec_py.storage.unixfs import Link, build, encode_node

MIB = 1 << 20
SIZES = [0, 1, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 123]

pytestmark = pytest.mark.servers


@pytest.fixture(params=["folder", "kubo", "kubo by url", "folder and kubo", "three folders"])
def store(request, tmp_path):
    if "kubo" in request.param:
        address = request.getfixturevalue("kubo").address
        url = f"http://127.0.0.1:{address.rsplit('/', 1)[-1]}"
    addresses = {
        "folder": lambda: tmp_path / "store",
        "kubo": lambda: address,
        "kubo by url": lambda: url,
        "folder and kubo": lambda: f"{tmp_path / 'store'},{address};quorum=2",
        "three folders": lambda: ",".join(str(tmp_path / name) for name in "abc"),
    }
    with open_store(addresses[request.param]()) as opened:
        yield opened


def content_of(size, seed=None):
    """Bytes that no other test uses: stores of one session share a node."""
    return random.Random(seed).randbytes(size) if seed is not None else random.randbytes(size)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_comes_back_by_cid_and_by_bare_digest(store, size):
    content = content_of(size)
    cid = store.put(content)
    assert cid == build(content).cid
    assert store.resolve(cid.digest) == cid
    assert store.get(cid) == store.get(cid.digest) == content
    assert store.put(io.BytesIO(content)) == cid


@pytest.mark.parametrize("size", SIZES)
def test_an_object_says_its_size_and_blocks(store, size):
    content = content_of(size)
    built = build(content)
    stat = store.stat(store.put(content).digest)
    assert (stat.cid, stat.size, stat.blocks, stat.stored) == (built.cid, size, built.blocks, built.stored)
    assert stat.pinned


def test_many_objects_are_put_and_read_at_once_in_order(store):
    contents = [content_of(size) for size in (10, 0, 2 * MIB, 10, 1)] + [content_of(500) for _ in range(130)]
    contents.append(contents[0])
    cids = store.put_many(contents)
    assert cids == [build(content).cid for content in contents]
    assert store.get_many([cid.digest for cid in cids]) == contents
    assert store.get_many(cids) == contents
    assert store.verify_pins(cids, deep=True) == []
    assert store.put_many([]) == []
    assert store.get_many([]) == []


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (0, MIB), (MIB - 1, 2), (MIB, MIB), (2 * MIB + 5, 2 * MIB), (4 * MIB, 99 * MIB), (0, 0), (99 * MIB, 5)],
)
def test_a_range_is_cut_at_the_end_and_is_the_same_as_the_slice(store, start, length):
    content = content_of(4 * MIB + 77, seed=4)
    cid = store.put(content)
    assert store.read(cid, start, length) == content[start : start + length]
    assert b"".join(store.chunks(cid.digest, start)) == content[start:]
    small = store.put(content[:100])
    assert store.read(small, start, length) == content[:100][start : start + length]


def test_a_range_that_cannot_be_is_refused(store):
    cid = store.put(b"medrec")
    for start, length in ((-1, 5), (0, -1)):
        with pytest.raises(InvalidInput):
            store.read(cid, start, length)


def test_an_object_opens_as_a_seekable_file(store):
    content = content_of(7 * MIB + 3)
    with store.open(store.put(content).digest) as file:
        assert file.read(5) == content[:5]
        assert file.seek(-10, io.SEEK_END) == len(content) - 10
        assert file.read() == content[-10:]
        assert file.read(1) == b""
        rng = random.Random(1)
        for _ in range(12):
            at, length = rng.randrange(len(content)), rng.randrange(2 * MIB)
            file.seek(at)
            assert file.read(length) == content[at : at + length]
            assert file.tell() == min(len(content), at + length)
        file.seek(len(content) + 5)
        assert file.read(5) == b""
        file.seek(0)
        assert file.read() == content
        with pytest.raises(OSError, match="write"):
            file.write(b"x")
        with pytest.raises(ValueError, match="-1"):
            file.seek(-1)


def test_an_object_that_was_never_put_is_missing_by_name(store):
    lost = Cid.of_raw(content_of(20))
    for act in (store.get, store.stat, store.open, store.pin, store.chunks):
        for target in (lost, lost.digest):
            with pytest.raises(ObjectMissing, match=str(lost)):
                act(target)
    with pytest.raises(ObjectMissing):
        store.get(Cid.dag_pb(lost.digest))
    with pytest.raises(ObjectMissing):
        store.resolve(lost.digest)
    assert not store.has(lost)
    assert not store.has(lost.digest)
    assert not store.is_pinned(lost)
    assert not store.is_pinned(lost.digest)
    store.unpin(lost)
    store.remove(lost)
    store.remove(lost.digest)
    assert {(item.cid, item.kind) for item in store.verify_pins([lost, lost.digest])} == {(lost, "missing")}


def test_pins_are_set_lifted_and_listed(store):
    content = content_of(2 * MIB)
    cid = store.put(content, pin=False)
    assert store.has(cid)
    assert not store.is_pinned(cid)
    assert cid not in set(store.pins())
    assert {item.kind for item in store.verify_pins([cid])} == {"unpinned"}
    store.pin(cid.digest)
    store.pin(cid)
    assert store.is_pinned(cid)
    assert store.is_pinned(cid.digest)
    assert cid in set(store.pins())
    assert store.verify_pins([cid, cid.digest], deep=True) == []
    store.unpin(cid.digest)
    store.unpin(cid)
    assert not store.is_pinned(cid)
    assert store.get(cid) == content


def test_what_is_removed_is_gone_and_what_another_object_needs_stays(store):
    shared, own = content_of(MIB), content_of(MIB)
    first, second = store.put(shared + own), store.put(shared + b"tail")
    store.remove(first.digest)
    assert not store.is_pinned(first)
    assert not store.has(first)
    with pytest.raises(ObjectMissing):
        store.get(first)
    with pytest.raises(ObjectMissing):
        store.get(Cid.of_raw(own))
    assert store.get(second) == shared + b"tail"
    assert store.verify_pins([second], deep=True) == []


def test_an_object_over_the_limit_is_refused_with_its_size(store):
    content = content_of(2 * MIB)
    cid = store.put(content)
    with pytest.raises(ObjectTooLarge, match=str(2 * MIB)):
        store.get(cid.digest, limit=2 * MIB - 1)
    with pytest.raises(ObjectTooLarge):
        store.get_many([cid], limit=5)
    assert store.get(cid, limit=2 * MIB) == content


def test_bytes_that_are_themselves_a_file_node_are_refused_before_they_are_an_object(store):
    node = encode_node([Link(Cid.of_raw(b"abcd"), 4, 4)])
    for source in (node, io.BytesIO(node)):
        with pytest.raises(InvalidInput, match="file node"):
            store.put(source)
    with pytest.raises(InvalidInput):
        store.put_many([b"fine", node])
    assert not store.is_pinned(build(b"x" + node).cid)


def test_a_source_that_breaks_off_leaves_no_object_and_the_callers_own_error(store):
    class Unplugged(Exception):
        pass

    content = content_of(6 * MIB)

    class Broken(io.BytesIO):
        def read(self, length=-1):
            if self.tell() >= 3 * MIB:
                raise self.error
            return super().read(length)

    for error in (Unplugged("scanner"), OSError("scanner"), ConnectionResetError("scanner"), KeyError("scanner")):
        source = Broken(content)
        source.error = error
        with pytest.raises(type(error), match="scanner"):
            store.put(source)
    assert not store.has(build(content).cid)
    assert store.get(store.put(content)) == content


def test_a_file_is_read_from_where_it_stands(store, tmp_path):
    content = content_of(3 * MIB)
    (tmp_path / "image.dcm").write_bytes(b"preamble" + content)
    with open(tmp_path / "image.dcm", "rb") as file:
        file.seek(8)
        assert store.get(store.put(file)) == content


def test_threads_put_and_read_side_by_side(store):
    contents = [content_of(random.Random(seed).randrange(1_500_000)) for seed in range(16)]

    def work(content):
        cid = store.put(io.BytesIO(content))
        return store.get(cid.digest) == content and store.read(cid, 7, 9) == content[7:16]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, contents))


def test_a_digest_that_is_no_digest_is_refused(store):
    for wrong in (b"", b"short", bytes(33)):
        with pytest.raises(InvalidInput):
            store.get(wrong)


def test_a_raw_block_is_read_by_the_codec_that_is_said(store):
    content = content_of(2 * MIB)
    cid = store.put(content)
    node = store.get(Cid.raw(cid.digest))
    assert build(content).stored == len(node) + 2 * MIB
    leaf = Cid.of_raw(content[:MIB])
    assert leaf.codec is Codec.RAW
    assert store.get(leaf.digest) == content[:MIB]


def test_closing_twice_does_no_harm(store):
    store.close()
    store.close()


def test_the_folder_and_kubo_keep_the_same_blocks_under_the_same_names(kubo, tmp_path):
    content = content_of(2 * MIB + 9)
    folder = FolderStore(tmp_path / "store")
    with open_store(kubo.address) as node:
        assert folder.put(content) == node.put(content)
    for path in folder.path.glob("blocks/*/*.data"):
        theirs = kubo.node.repo / path.relative_to(folder.path)
        assert theirs.read_bytes() == path.read_bytes()
