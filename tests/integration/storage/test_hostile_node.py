"""A node that lies, stalls, floods or breaks off: a real HTTP server that speaks the RPC API badly."""

import base64
import json
import random
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from medrec_py.errors import ObjectMalformed, ObjectMissing, ObjectTampered, StoreUnavailable
from medrec_py.storage import Cid, FolderStore
from medrec_py.storage.kubo import KuboStore
from medrec_py.storage.replicated import ReplicatedStore
from medrec_py.storage.unixfs import Link, build, encode_node

MIB = 1 << 20

pytestmark = pytest.mark.servers


class Node:
    """A server that answers honestly from a table of blocks unless a test gives a path another answer."""

    def __init__(self):
        self.blocks = {}
        self.asked = []
        self.answers = {}
        self.seen_headers = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                url = urlsplit(self.path)
                path = url.path.removeprefix("/api/v0/")
                query = parse_qs(url.query)
                options = {name: values[-1] for name, values in query.items()} | {"args": query.get("arg", [])}
                node.asked.append((path, options))
                node.seen_headers.append(dict(self.headers))
                self.upload = self.chunked_body() if self.headers.get("Transfer-Encoding") == "chunked" else b""
                answer = node.answers.get(path, getattr(node, path.replace("/", "_"), None))
                try:
                    answer(self, options)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def chunked_body(self):
                body = bytearray()
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return bytes(body)

            def say(self, body, status=200):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def refuse(self, message):
                self.say(json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode(), 500)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def keep(self, content):
        built = build(content, lambda cid, block: self.blocks.__setitem__(cid.digest, bytes(block)))
        self.objects = {**getattr(self, "objects", {}), str(built.cid): content}
        return built.cid

    def block_get(self, handler, options):
        block = self.blocks.get(Cid.parse(options["arg"]).digest)
        handler.refuse("ipld: could not find it") if block is None else handler.say(block)

    def dag_stat(self, handler, options):
        stats = [{"Cid": cid, "Size": len(self.blocks[Cid.parse(cid).digest])} for cid in options["args"]]
        handler.say(json.dumps({"DagStats": stats}).encode())

    def cat(self, handler, options):
        if "offset" not in options:
            handler.say(b"".join(self.blocks[Cid.parse(cid).digest] for cid in options["args"]))
            return
        start = int(options["offset"])
        handler.say(self.objects[options["arg"]][start : start + int(options["length"])])

    def add(self, handler, options):
        boundary = re.search('boundary="?([0-9a-f]+)', handler.headers["Content-Type"])[1].encode()
        lines = []
        for part in handler.upload.split(b"--" + boundary)[1:-1]:
            head, content = part.split(b"\r\n\r\n", 1)
            name = re.search(rb'filename="([^"]*)"', head)[1].decode()
            lines.append({"Name": name, "Hash": str(self.keep(content[:-2]))})
        handler.say(b"\n".join(json.dumps(line).encode() for line in lines))

    def pin_ls(self, handler, options):
        handler.say(json.dumps({"Keys": {cid: {"Type": "recursive"} for cid in options["args"]}}).encode())

    def swarm_peers(self, handler, options):
        handler.say(b'{"Peers": null}')


@pytest.fixture
def node():
    served = Node()
    yield served
    served.close()


@pytest.fixture
def store(node):
    with KuboStore(node.url, timeout=2) as opened:
        yield opened


def content_of(size):
    return random.Random(size).randbytes(size)


def flipped(content, at):
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def test_the_honest_answers_of_this_server_are_taken(node, store):
    content = content_of(3 * MIB + 5)
    assert store.put(content) == build(content).cid
    assert store.get(build(content).cid.digest) == content
    assert store.put_many([b"a", b"b"]) == [Cid.of_raw(b"a"), Cid.of_raw(b"b")]


# ── lies about bytes ──


@pytest.mark.parametrize("at", [0, 3, -1])
def test_other_bytes_for_a_small_object_are_refused_with_both_digests(node, store, at):
    cid = node.keep(b"the real record")
    node.blocks[cid.digest] = flipped(b"the real record", at)
    with pytest.raises(ObjectTampered) as caught:
        store.get(cid.digest)
    assert caught.value.facts["expected"] == cid.digest
    assert caught.value.facts["store"] == node.url
    assert len(caught.value.facts["found"]) == 32


def test_another_whole_object_of_the_same_author_is_refused(node, store):
    asked, other = node.keep(content_of(2 * MIB)), node.keep(content_of(2 * MIB + 1))
    node.blocks[asked.digest] = node.blocks[other.digest]
    with pytest.raises(ObjectTampered):
        store.get(asked)


def test_a_stream_that_is_altered_in_the_middle_is_not_returned_beyond_the_good_leaves(node, store):
    content = content_of(4 * MIB)
    cid = node.keep(content)
    node.objects[str(cid)] = flipped(content, 2 * MIB + 9)
    assert store.get(cid) == content  # the blocks themselves are good and are asked for one by one
    bad_leaf = Cid.of_raw(content[2 * MIB : 3 * MIB])
    node.blocks[bad_leaf.digest] = flipped(content[2 * MIB : 3 * MIB], 9)
    pieces = store.chunks(cid)
    assert [next(pieces), next(pieces)] == [content[:MIB], content[MIB : 2 * MIB]]
    with pytest.raises(ObjectTampered, match=str(bad_leaf)):
        next(pieces)


@pytest.mark.parametrize("cut", [0, 1, MIB, 2 * MIB + 5])
def test_a_stream_that_ends_early_is_finished_block_by_block(node, store, cut):
    content = content_of(3 * MIB)
    cid = node.keep(content)
    node.objects[str(cid)] = content[:cut]
    assert store.get(cid) == content
    del node.blocks[Cid.of_raw(content[2 * MIB :]).digest]
    with pytest.raises(ObjectMissing, match=str(Cid.of_raw(content[2 * MIB :]))):
        store.get(cid)


def test_a_stream_that_goes_on_too_long_is_cut(node, store):
    content = content_of(2 * MIB)
    cid = node.keep(content)
    node.objects[str(cid)] = content
    node.answers["cat"] = lambda handler, options: handler.say(content + bytes(5 * MIB))
    assert store.get(cid) == content


def test_a_connection_that_breaks_in_the_middle_of_a_stream_is_picked_up(node, store):
    content = content_of(3 * MIB)
    cid = node.keep(content)

    def broken(handler, options):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: MIB + 77])
        handler.close_connection = True

    node.answers["cat"] = broken
    assert store.get(cid) == content


def test_a_well_hashed_tree_that_lies_about_sizes_is_refused(node, store):
    leaf = content_of(1000)
    node.blocks[Cid.of_raw(leaf).digest] = leaf
    root = encode_node([Link(Cid.of_raw(leaf), 999, 999), Link(Cid.of_raw(leaf), 999, 999)])
    cid = Cid.dag_pb(Cid.of_raw(root).digest)
    node.blocks[cid.digest] = root
    node.objects = {str(cid): leaf * 2}
    with pytest.raises(ObjectMalformed, match="1000 bytes and its parent says 999"):
        store.get(cid)
    with pytest.raises(ObjectMalformed, match="no node"):
        store.get(Cid.dag_pb(Cid.of_raw(leaf).digest))


def test_a_replica_that_lies_is_passed_over_and_named(node, store, tmp_path):
    content = content_of(3 * MIB)
    cid = node.keep(content)
    with ReplicatedStore([store, FolderStore(tmp_path / "honest")], quorum=1) as both:
        both.put(content)
        node.objects[str(cid)] = bytes(3 * MIB)
        for digest in list(node.blocks):
            node.blocks[digest] = b"forged"
        assert both.get(cid.digest) == content
        assert {(item.store, item.kind) for item in both.incidents} == {(node.url, "corrupt")}


@pytest.fixture
def many(node):
    contents = [bytes([number]) * (number + 1) for number in range(40)] + [content_of(2 * MIB + 1), b""]
    return contents, [node.keep(content) for content in contents]


def test_many_small_objects_cost_two_requests(node, store, many):
    contents, cids = many
    assert store.get_many([cid.digest for cid in cids[:40]]) == contents[:40]
    assert [path for path, _ in node.asked] == ["dag/stat", "cat"]
    assert store.get_many([cid.digest for cid in cids]) == contents
    assert store.get_many(cids) == contents


@pytest.mark.parametrize(
    "stats",
    [b"", b"{}", b"[]", b'{"DagStats": 5}', b'{"DagStats": [{"Size": 1}]}', b'{"DagStats": [5]}'],
)
def test_sizes_that_are_no_answer_cost_only_time(node, store, many, stats):
    contents, cids = many
    node.answers["dag/stat"] = lambda handler, options: handler.say(stats)
    assert store.get_many(cids) == contents


@pytest.mark.parametrize("wrong", [0, 1, -1, 10**12, "5", None, 1.5])
def test_wrong_sizes_cost_only_time(node, store, many, wrong):
    contents, cids = many

    def lying(handler, options):
        stats = [{"Size": wrong if number == 7 else number + 1} for number in range(len(options["args"]))]
        handler.say(json.dumps({"DagStats": stats}).encode())

    node.answers["dag/stat"] = lying
    assert store.get_many(cids) == contents


def test_other_bytes_among_many_are_refused_by_name(node, store, many):
    _, cids = many
    node.blocks[cids[7].digest] = b"forged!!"
    with pytest.raises(ObjectTampered, match=str(cids[7])):
        store.get_many(cids)
    del node.blocks[cids[7].digest]
    node.answers["dag/stat"] = lambda handler, options: handler.refuse("could not find it")
    with pytest.raises(ObjectMissing, match=str(cids[7])):
        store.get_many([cid.digest for cid in cids])


# ── lies about writes ──


def test_an_upload_that_the_node_altered_is_noticed_at_once(node, store):
    def altering(handler, options):
        handler.say(json.dumps({"Name": "0", "Hash": str(Cid.of_raw(b"altered"))}).encode())

    node.answers["add"] = altering
    with pytest.raises(ObjectTampered) as caught:
        store.put(b"the real record")
    assert caught.value.facts["expected"] == str(Cid.of_raw(b"the real record"))
    assert caught.value.facts["found"] == str(Cid.of_raw(b"altered"))


@pytest.mark.parametrize(
    "reply", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"Name": "1", "Hash": "x"}', b'{"Hash": 5}', b"[" * 100_000]
)
def test_a_reply_that_is_no_answer_to_an_upload_is_refused(node, store, reply):
    node.answers["add"] = lambda handler, options: handler.say(reply)
    with pytest.raises(StoreUnavailable):
        store.put(b"record")


def test_a_pin_that_the_node_only_claims_is_noticed(node, store):
    for claim in (b'{"Keys": {}}', b'{"Keys": null}', b'{"Keys": ["x"]}', b"{}", b""):
        node.answers["pin/ls"] = lambda handler, options, claim=claim: handler.say(claim)
        with pytest.raises(StoreUnavailable, match="said it pinned"):
            store.put(b"record")
    node.answers["pin/ls"] = lambda handler, options: handler.refuse("path 'x' is not pinned")
    with pytest.raises(StoreUnavailable, match="said it pinned"):
        store.put_many([b"record", b"other"])


# ── floods, stalls, and other servers ──


def flood(handler, options):
    handler.send_response(options.get("status", 200))
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    block = b"%x\r\n%s\r\n" % (MIB, b"[" * MIB)
    for _ in range(4096):
        handler.wfile.write(block)


def test_a_flood_of_bytes_is_cut_off(node, store):
    cid = node.keep(b"record")
    for path in ("block/get", "add", "pin/ls"):
        node.answers[path] = flood
    started = time.monotonic()
    with pytest.raises(ObjectTampered):
        store.get(cid)
    with pytest.raises(StoreUnavailable):
        store.put(b"record")
    with pytest.raises(StoreUnavailable):
        store.is_pinned(cid)
    with pytest.raises(StoreUnavailable):
        list(store.pins())
    node.answers["block/get"] = lambda handler, options: flood(handler, {"status": 500})
    with pytest.raises(StoreUnavailable):
        store.get(cid)
    assert time.monotonic() - started < 10


def test_a_node_that_never_answers_is_given_up_after_the_timeout(node):
    released = threading.Event()
    node.answers["block/get"] = lambda handler, options: released.wait(30)
    started = time.monotonic()
    with KuboStore(node.url, timeout=0.3) as store:
        with pytest.raises(StoreUnavailable, match=re.escape(node.url)):
            store.get(Cid.of_raw(b"record"))
        assert time.monotonic() - started < 5
    released.set()


def test_a_node_that_sends_a_byte_now_and_then_is_given_up_too(node):
    stop = threading.Event()

    def trickle(handler, options):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not stop.wait(0.1):
            handler.wfile.write(b"1\r\nx\r\n")

    node.answers["block/get"] = trickle
    started = time.monotonic()
    with KuboStore(node.url, timeout=0.5) as store, pytest.raises(StoreUnavailable, match="didn't finish"):
        store.get(Cid.of_raw(b"record"))
    assert time.monotonic() - started < 5
    stop.set()


@pytest.mark.parametrize(("status", "body"), [(404, b"not found"), (403, b"forbidden"), (500, b"<html>"), (502, b"")])
def test_another_kind_of_server_is_told_apart(node, store, status, body):
    node.answers["block/get"] = lambda handler, options: handler.say(body, status)
    with pytest.raises(StoreUnavailable, match=str(status)) as caught:
        store.get(Cid.of_raw(b"record"))
    assert "RPC API" in caught.value.hint


def test_a_redirect_is_not_followed(node, store):
    def redirect(handler, options):
        handler.send_response(307)
        handler.send_header("Location", f"{node.url}/api/v0/swarm/peers")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    node.answers["block/get"] = redirect
    with pytest.raises(StoreUnavailable):
        store.get(Cid.of_raw(b"record"))
    assert [path for path, _ in node.asked] == ["block/get"]


# ── what the node gets to see ──


def test_the_proxy_of_the_environment_is_not_used(node, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cid = node.keep(b"record")
    with KuboStore(node.url) as store:
        assert store.get(cid) == b"record"


def test_credentials_are_sent_as_basic_authentication(node):
    cid = node.keep(b"record")
    with KuboStore(node.url.replace("//", "//ward:p%40ss@")) as store:
        assert store.get(cid) == b"record"
        assert store.name == node.url
    assert node.seen_headers[-1]["Authorization"] == "Basic " + base64.b64encode(b"ward:p@ss").decode()


def test_the_name_and_place_of_an_uploaded_file_stay_here(node, store, tmp_path):
    path = tmp_path / "patient-name.dcm"
    path.write_bytes(b"image")
    uploads = []
    honest = node.add
    node.answers["add"] = lambda handler, options: (uploads.append(handler.upload), honest(handler, options))
    with open(path, "rb") as file:
        store.put(file)
    assert b"image" in uploads[0]
    assert b"patient-name" not in uploads[0]
    assert str(tmp_path).encode() not in uploads[0]


def test_the_layout_is_said_with_every_upload(node, store):
    store.put(b"record")
    _, options = next(item for item in node.asked if item[0] == "add")
    assert options["chunker"] == "size-1048576"
    assert options["max-file-links"] == "1024"
    assert options["cid-version"] == "1"
    assert options["raw-leaves"] == "true"
    assert options["pin"] == "true"
