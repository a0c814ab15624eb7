"""The formats are those that the vectors pin, in Python and, with other libraries, in JavaScript."""

import base64
import hashlib
import importlib.util
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from medrec_py import crypto, sealing
from medrec_py.crypto.stream import StreamCipher, StreamReader
from medrec_py.errors import ContentTooLarge, WrongKey
from medrec_py.sealing import canonical
from medrec_py.sealing.documents import read_bundle, write_bundle

HERE = Path(__file__).parent
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def load(name: str) -> dict:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


# ── Python ──


def test_keys_are_derived_as_pinned() -> None:
    vectors = load("derivation")
    root = crypto.RootKey(bytes.fromhex(vectors["root"]))
    for vector in vectors["signatures"]:
        assert crypto.root_from_signature(bytes.fromhex(vector["signature"])).reveal().hex() == vector["root"]
    for vector in vectors["cases"]:
        key = crypto.case_key(root, vector["index"]).reveal()
        assert (key.hex(), Account.from_key(key).address) == (vector["key"], vector["address"])
    recovery = crypto.recovery_key(root).reveal()
    pinned = vectors["recovery"]
    assert (recovery.hex(), Account.from_key(recovery).address) == (pinned["key"], pinned["address"])
    for vector in vectors["participants"]:
        seed = crypto.participant_seed(root, vector["address"])
        public_key = crypto.ParticipantKey.from_seed(seed).public_key
        assert (seed.reveal().hex(), public_key.data.hex()) == (vector["seed"], vector["public_key"])
    for vector in vectors["relationships"]:
        node = crypto.relationship_node(root, vector["subject"], vector["provider"], vector["number"])
        assert node.key.reveal().hex() == vector["node"]
        assert crypto.mailbox_key(node).reveal().hex() == vector["mailbox_key"]


def test_the_tree_grows_as_pinned() -> None:
    vectors = load("keytree")
    top = crypto.Node(crypto.Path(), crypto.NodeKey(bytes.fromhex(vectors["top"])))
    for vector in vectors["nodes"]:
        node = crypto.derive(top, crypto.Path.parse(vector["path"]))
        assert node.key.reveal().hex() == vector["key"]
    for vector in vectors["coverings"]:
        nodes = crypto.covering_set(
            [top],
            [3],
            vector["first_year"],
            vector["last_year"],
            include_undated=vector["include_undated"],
            epochs=[0, 1],
        )
        assert [{"path": str(node.path), "key": node.key.reveal().hex()} for node in nodes] == vector["nodes"]


def test_messages_sealed_by_either_implementation_open() -> None:
    messages = load("hpke")["messages"]
    assert {vector["sealed_by"] for vector in messages} == {"cryptography", "@hpke/hybridkem-x-wing"}
    for vector in messages:
        key = crypto.ParticipantKey.from_seed(crypto.ParticipantSeed(bytes.fromhex(vector["seed"])))
        assert key.public_key.data.hex() == vector["public_key"]
        opened = key.open(bytes.fromhex(vector["sealed"]), bytes.fromhex(vector["info"]))
        assert opened.hex() == vector["plaintext"]


def test_streams_are_written_and_read_as_pinned() -> None:
    vectors = load("stream")
    cipher = StreamCipher(
        bytes.fromhex(vectors["key"]), bytes.fromhex(vectors["prefix"]), chunk_bytes=vectors["chunk_bytes"]
    )
    for vector in vectors["streams"]:
        plaintext, ciphertext = bytes.fromhex(vector["plaintext"]), bytes.fromhex(vector["ciphertext"])
        assert cipher.encrypt(plaintext) == ciphertext
        assert StreamReader(cipher, io.BytesIO(ciphertext)).read() == plaintext


def test_a_stream_of_whole_mebibytes_is_the_pinned_one() -> None:
    sealed = StreamCipher(bytes(32), bytes(7)).encrypt(bytes(2 * (1 << 20) + 5))
    assert hashlib.sha256(sealed).hexdigest() == MEBIBYTES


def parcel_keys(vector: dict) -> list[crypto.ContentKey | crypto.CompartmentKey | crypto.ParticipantKey]:
    keys: list = [crypto.ContentKey(bytes.fromhex(vector["content_key"]))]
    if "compartment_key" in vector:
        keys.append(crypto.CompartmentKey(bytes.fromhex(vector["compartment_key"])))
    if "seed" in vector:
        keys.append(crypto.ParticipantKey.from_seed(crypto.ParticipantSeed(bytes.fromhex(vector["seed"]))))
    return keys


def test_parcels_open_as_pinned() -> None:
    vectors = load("parcel")
    context = sealing.Context(**vectors["context"])
    assert {vector["suite"] for vector in vectors["parcels"]} == {suite.name for suite in sealing.Suite}
    for vector in vectors["parcels"]:
        data = bytes.fromhex(vector["object"])
        digest = hashlib.sha256(data).digest()
        fetched = sealing.FetchedParcel.verify(data, digest, digest_of=lambda _, digest=digest: digest)
        assert fetched.suite.name == vector["suite"]
        for key in parcel_keys(vector):
            opened = sealing.open_parcel(fetched, context, key)
            assert opened.content_key.reveal().hex() == vector["content_key"]
            if isinstance(opened, sealing.OpenedRecords):
                assert canonical.write_records(opened.resources).hex() == vector["ndjson"]
            else:
                assert (opened.content_type, opened.name) == (vector["content_type"], vector["name"])
                assert opened.read().hex() == vector["blob"]


def test_the_limits_of_a_parcel_are_as_pinned() -> None:
    vectors = load("limits")
    context = sealing.Context(**vectors["context"])
    key = crypto.CompartmentKey(bytes.fromhex(vectors["compartment_key"]))
    assert (vectors["max_expanded"], vectors["max_values"]) == (canonical.MAX_EXPANDED, canonical.MAX_VALUES)

    def opened(sealed: str) -> sealing.OpenedParcel:
        data = bytes.fromhex(sealed)
        digest = hashlib.sha256(data).digest()
        return sealing.open_parcel(sealing.FetchedParcel.verify(data, digest, digest_of=lambda _: digest), context, key)

    for name in ("expanded", "values"):
        assert isinstance(opened(vectors["accepted"][name]), sealing.OpenedRecords)
        with pytest.raises(ContentTooLarge):
            opened(vectors["refused"][name])


def test_bundles_open_as_pinned() -> None:
    vectors = load("bundle")
    context = sealing.BundleContext(**vectors["context"])
    assert [vector["kind"] for vector in vectors["bundles"]] == [kind.value for kind in sealing.BundleKind]
    for vector in vectors["bundles"]:
        for seed in vectors["seeds"]:
            key = crypto.ParticipantKey.from_seed(crypto.ParticipantSeed(bytes.fromhex(seed)))
            data = bytes.fromhex(vector["object"])
            bundle = sealing.open_bundle(data, context, key, sealing.BundleKind(vector["kind"]))
            assert write_bundle(bundle).decode() == vector["document"]
            assert read_bundle(vector["document"].encode()) == bundle


def test_shares_are_put_together_as_pinned() -> None:
    vectors = load("splitting")
    for vector in vectors["sharings"]:
        for chosen in (vector["shares"][: vector["threshold"]], vector["shares"][-vector["threshold"] :]):
            assert {crypto.threshold_of(words) for words in chosen} == {vector["threshold"]}
            assert [secret.hex() for secret in crypto.candidates(chosen)] == [vectors["secret"]]
            assert list(crypto.candidates(chosen[1:])) == []


def test_objects_with_shares_are_read_as_pinned() -> None:
    vectors = load("custody")
    shares = sealing.Shares.parse(vectors["shares"].encode())
    custody = sealing.Custody.parse(vectors["custody"].encode())
    assert (shares.encode().decode(), custody.encode().decode()) == (vectors["shares"], vectors["custody"])
    assert shares.sealed == custody.sealed
    plan = vectors["plan"]
    tree = sealing.tree_over([bytes.fromhex(vector["leaf"]) for vector in plan["guardians"]])
    assert tree[0].hex() == plan["root"]
    for at, vector in enumerate(plan["guardians"]):
        leaf = sealing.guardian_leaf(plan["owner"], vector["guardian"], bytes.fromhex(vector["salt"]))
        assert leaf.hex() == vector["leaf"]
        assert [part.hex() for part in sealing.proof_in(tree, at)] == vector["proof"]


def test_locators_match_as_pinned() -> None:
    vectors = load("locator")
    keys = [
        crypto.CompartmentKey(bytes.fromhex(vectors["keys"][0])),
        crypto.MailboxKey(bytes.fromhex(vectors["keys"][1])),
    ]
    locators = [bytes.fromhex(text) for text in [*(v["locator"] for v in vectors["locators"]), *vectors["strangers"]]]
    assert sealing.match_locators(locators, keys) == {at: v["key"] for at, v in enumerate(vectors["locators"])}
    for vector in vectors["locators"]:
        blind = sealing.batch_blind(keys[vector["key"]], bytes.fromhex(vector["locator"]))
        assert blind.hex() == vector["blind"]


def test_batches_are_built_as_pinned() -> None:
    for vector in load("batch")["batches"]:
        leaves = [
            sealing.BatchLeaf(
                leaf["subject"],
                leaf["number"],
                *(bytes.fromhex(leaf[part]) for part in ("digest", "locator", "blind")),
            )
            for leaf in vector["leaves"]
        ]
        manifest = sealing.make_manifest(leaves)
        assert [leaf.hash.hex() for leaf in leaves] == [leaf["hash"] for leaf in vector["leaves"]]
        assert (manifest.encode().hex(), manifest.root.hex()) == (vector["manifest"], vector["root"])
        proofs = [[part.hex() for part in manifest.proof(at)] for at in range(len(leaves))]
        assert proofs == vector["proofs"]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("generate", ("derivation", "keytree", "stream", "batch")),
        ("generate_types", ("grants", "ledger", "objects", "texts")),
    ],
)
def test_the_generator_still_writes_what_is_derived(script: str, names: tuple[str, ...]) -> None:
    spec = importlib.util.spec_from_file_location(f"{script}_vectors", HERE / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for name in names:
        assert getattr(generator, name)() == load(name)


def test_what_the_page_sealed_opens() -> None:
    page, context = load("page"), sealing.Context(**load("parcel")["context"])
    keys: dict[str, Any] = {
        "COMPARTMENT": crypto.CompartmentKey(bytes.fromhex(page["compartment_key"])),
        "SUBJECT": crypto.ParticipantKey.from_seed(crypto.ParticipantSeed(bytes.fromhex(page["seed"]))),
        "EXCERPT": crypto.ContentKey(bytes.fromhex(page["content_key"])),
    }
    assert [parcel["suite"] for parcel in page["parcels"]] == list(keys)
    for vector in page["parcels"]:
        opened = []
        for name in ("records", "blob"):
            data = bytes.fromhex(vector[name])
            fetched = sealing.FetchedParcel.verify(data, bytes(32), digest_of=lambda _: bytes(32))
            assert fetched.suite.name == vector["suite"]
            opened.append(sealing.open_parcel(fetched, context, keys[vector["suite"]]))
        records, blob = opened
        assert isinstance(records, sealing.OpenedRecords)
        assert canonical.write_records(records.resources).decode() == page["records"]
        assert isinstance(blob, sealing.OpenedBlob)
        assert (blob.content_type, blob.name, blob.read().hex()) == ("image/png", "scan.png", page["blob"])

    bundles = load("bundle")
    place = sealing.BundleContext(**bundles["context"])
    for vector in page["bundles"]:
        for seed in bundles["seeds"]:
            key = crypto.ParticipantKey.from_seed(crypto.ParticipantSeed(bytes.fromhex(seed)))
            kind = sealing.BundleKind(vector["kind"])
            opened_bundle = sealing.open_bundle(bytes.fromhex(vector["object"]), place, key, kind)
            assert write_bundle(opened_bundle).decode() == vector["document"]
    assert {vector["kind"] for vector in page["bundles"]} == set(sealing.BundleKind)

    for vector in page["frames"]:
        content = canonical.decompress(base64.b64decode(vector["frame"]), 1 << 20)
        assert content[:100].hex() + str(len(content)) == vector["content"]


# ── JavaScript ──


def node(*arguments: str) -> str:
    assert NODE is not None
    done = subprocess.run([NODE, str(HERE / "check.mjs"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_node
def test_the_browser_s_libraries_agree_with_every_vector() -> None:
    """SealedTight, read by another implementation in another language."""
    counts = json.loads(node())
    assert len(counts) == 10
    assert all(counts.values())


@needs_node
def test_what_is_sealed_now_opens_on_the_other_side_both_ways() -> None:
    seed = crypto.ParticipantSeed.random()
    key = crypto.ParticipantKey.from_seed(seed)
    info, plaintext = b"medrec/1 both ways", b"a record"
    sealed = key.public_key.seal(plaintext, info)
    asked = {"seed": seed.reveal().hex(), "sealed": sealed.hex(), "info": info.hex()}
    assert bytes.fromhex(node("open", json.dumps(asked))) == plaintext

    asked = {"public_key": key.public_key.data.hex(), "plaintext": plaintext.hex(), "info": info.hex()}
    answer = bytes.fromhex(node("seal", json.dumps(asked)))
    assert key.open(answer, info) == plaintext
    with pytest.raises(WrongKey):
        key.open(answer, b"elsewhere")


MEBIBYTES = "d1da1ab820be2a805dd42da8aa35034288e3d0fea98857c8392a18cb9c06f9cf"
"""SHA-256 of 2 MiB + 5 zeros sealed under a key and prefix of zeros."""
