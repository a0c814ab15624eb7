"""The layout of objects in blocks: what is built, what is read back, what is refused."""

import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput, ObjectMalformed
from medrec_py.storage import Cid, Codec, digest_of, unixfs
from medrec_py.storage.unixfs import FileNode, Link, build, codec_of, encode_node, leaves, parse_node

MIB = 1 << 20


@pytest.fixture
def small_layout(monkeypatch):
    """The same layout with 8-byte chunks and 3 links a node, so that a few bytes make a deep tree."""
    monkeypatch.setattr(unixfs, "CHUNK_BYTES", 8)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 3)


def built(content):
    blocks = {}
    order = []

    def keep(cid, block):
        assert hashlib.sha256(block).digest() == cid.digest
        blocks[cid] = bytes(block)
        order.append(cid)

    return build(content, keep), blocks, order


def naive_root(content, chunk, width):
    """The balanced layout said plainly: leaves, then level upon level until one is left."""
    level = [Link(Cid.of_raw(content[at : at + chunk]), len(content[at : at + chunk]), len(content[at : at + chunk]))
             for at in range(0, len(content), chunk)] or [Link(Cid.of_raw(b""), 0, 0)]  # fmt: skip
    while len(level) > 1:
        above = []
        for at in range(0, len(level), width):
            links = level[at : at + width]
            block = encode_node(links)
            cid = Cid.dag_pb(hashlib.sha256(block).digest())
            above.append(Link(cid, sum(x.size for x in links), len(block) + sum(x.total for x in links)))
        level = above
    return level[0]


def test_an_object_of_one_chunk_is_one_raw_block():
    for size in (0, 1, MIB):
        result, blocks, _ = built(bytes(size))
        assert result.cid == Cid.of_raw(bytes(size))
        assert list(blocks) == [result.cid]
        assert (result.size, result.blocks, result.stored) == (size, 1, size)


def test_a_byte_more_makes_a_node_over_two_leaves():
    result, blocks, order = built(bytes(MIB) + b"x")
    node = parse_node(result.cid, blocks[result.cid])
    assert [link.size for link in node.links] == [MIB, 1]
    assert order == [Cid.of_raw(bytes(MIB)), Cid.of_raw(b"x"), result.cid]
    assert result.stored == MIB + 1 + len(blocks[result.cid])


@given(st.integers(0, 700))
@settings(max_examples=120)
def test_the_streaming_builder_makes_the_plain_balanced_tree(size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unixfs, "CHUNK_BYTES", 8)
        patch.setattr(unixfs, "MAX_LINKS", 3)
        content = bytes(at % 251 for at in range(size))
        expected = naive_root(content, 8, 3)
        result, _, order = built(content)
        assert (result.cid, result.size, result.stored) == (expected.cid, size, expected.total)
        assert order[-1] == result.cid


@given(st.integers(0, 500), st.integers(0, 520), st.integers(0, 520))
def test_any_range_is_found_in_the_leaves_that_hold_it_and_no_others(size, start, length):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unixfs, "CHUNK_BYTES", 8)
        patch.setattr(unixfs, "MAX_LINKS", 3)
        content = bytes(at * 7 % 251 for at in range(size))
        result, blocks, _ = built(content)
        if result.cid.codec is Codec.RAW:
            return
        node = parse_node(result.cid, blocks[result.cid])
        found = list(leaves(node, blocks.__getitem__, start, start + length))
        for leaf in found:
            assert blocks[leaf.cid] == content[leaf.offset : leaf.offset + leaf.size]
            assert leaf.offset < start + length
            assert leaf.offset + leaf.size > start
        joined = b"".join(blocks[leaf.cid] for leaf in found)
        if found:
            first = found[0].offset
            assert joined[start - first if start > first else 0 :][:length] == content[start : start + length]
        else:
            assert not content[start : start + length]


def test_a_range_reads_only_the_nodes_above_it(small_layout):
    content = bytes(at % 251 for at in range(8 * 27))
    result, blocks, _ = built(content)
    asked = []

    def fetch(cid):
        asked.append(cid)
        return blocks[cid]

    assert len(list(leaves(parse_node(result.cid, blocks[result.cid]), fetch, 0, 8))) == 1
    assert len(asked) == 2


def test_a_source_that_gives_short_reads_makes_the_same_object():
    content = bytes(range(256)) * 9000

    class Dripping(io.RawIOBase):
        def __init__(self):
            self.inner = io.BytesIO(content)

        def read(self, length=-1):
            return self.inner.read(min(length, 77_777))

    assert build(Dripping()).cid == build(content).cid
    assert digest_of(io.BytesIO(content)) == build(content).cid.digest


def test_the_builder_holds_no_more_than_one_node_of_links_a_level(small_layout):
    builder = unixfs.Builder()
    for number in range(1000):
        builder.add(number.to_bytes(8, "big"))
        assert all(len(level) <= 3 for level in builder._levels)
        assert len(builder._levels) <= 8


# ── the parser ──


def links_of(draw_sizes):
    return [Link(Cid.of_raw(bytes([number])), size, size) for number, size in enumerate(draw_sizes, 1)]


valid_nodes = st.lists(st.integers(1, 2 * MIB), min_size=1, max_size=20).map(lambda sizes: encode_node(links_of(sizes)))


def owner(block):
    return Cid.dag_pb(hashlib.sha256(block).digest())


@given(valid_nodes)
def test_a_node_is_read_as_it_was_written(block):
    assert encode_node(parse_node(owner(block), block).links) == block
    assert codec_of(block) is Codec.DAG_PB


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=400).map(lambda tail: b"\x12\x2c\x0a\x24\x01\x55" + tail)))
def test_any_bytes_are_a_canonical_node_or_refused(block):
    try:
        node = parse_node(owner(block), block)
    except ObjectMalformed:
        assert codec_of(block) is Codec.RAW
        return
    assert encode_node(node.links) == block


@given(valid_nodes, st.data())
@settings(max_examples=300)
def test_a_changed_node_is_a_canonical_node_or_refused(block, data):
    changed = bytearray(block)
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(changed) - 1))
        action = data.draw(st.sampled_from(["flip", "drop", "insert", "cut"]))
        if action == "flip":
            changed[where] ^= data.draw(st.integers(1, 255))
        elif action == "drop" and len(changed) > 1:
            del changed[where]
        elif action == "insert":
            changed.insert(where, data.draw(st.integers(0, 255)))
        else:
            del changed[max(1, where) :]
    try:
        node = parse_node(owner(block), bytes(changed))
    except ObjectMalformed:
        return
    assert encode_node(node.links) == bytes(changed)
    assert node.size == sum(link.size for link in node.links)


def test_what_a_node_may_not_be_is_refused_with_the_reason():
    leaf = Cid.of_raw(b"leaf")
    refused = {
        "no links": b"\x0a\x04\x08\x02\x18\x00",
        "no 36-byte CID": b"\x12\x02\x0a\x00" + b"\x0a\x02\x08\x02",
        "no UnixFS data": encode_node([Link(leaf, 4, 4)])[:44],
        "bytes of file in": encode_node([Link(leaf, 0, 0)]),
        "3000000 bytes of file": encode_node([Link(leaf, 3_000_000, 3_000_000)]),
        "5 bytes of file in 9": encode_node([Link(leaf, 5, 9)]),
        "no file without inline": encode_node([Link(leaf, 4, 4)]).replace(b"\x08\x02", b"\x08\x01"),
        "more than a block": bytes(2 * MIB + 1),
    }
    for reason, block in refused.items():
        with pytest.raises(ObjectMalformed, match=reason):
            parse_node(owner(block), block)


def test_a_node_whose_child_has_another_size_than_it_says_is_refused():
    child = encode_node([Link(Cid.of_raw(b"abcd"), 4, 4)])
    root = FileNode((Link(owner(child), 5, 100),))
    with pytest.raises(ObjectMalformed, match="holds 4 bytes and its parent says 5"):
        list(leaves(root, {owner(child): child}.__getitem__))


def test_a_tree_that_is_too_deep_is_refused():
    blocks = {}
    link = Link(Cid.of_raw(b"abcd"), 4, 4)
    for _ in range(12):
        block = encode_node([link])
        blocks[owner(block)] = block
        link = Link(owner(block), 4, link.total + len(block))
    with pytest.raises(ObjectMalformed, match="deeper than 8"):
        list(leaves(FileNode((link,)), blocks.__getitem__))


def test_a_small_object_that_is_itself_a_node_is_refused_since_its_digest_would_name_another():
    block = encode_node([Link(Cid.of_raw(b"abcd"), 4, 4)])
    with pytest.raises(InvalidInput, match="themselves an IPFS file node"):
        build(block)
    build(block + b"\x00")
