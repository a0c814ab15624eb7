"""Writes the vectors that pin every format of keys and sealed objects: `python tests/vectors/generate.py [NAME …]`.

Run it only after a format was changed on purpose, with a new version number in it: what was sealed before must go on
opening. Whatever is derived comes out the same each time; whatever is sealed is random, and the vectors are there to be
opened. `test_vectors.py` checks them from Python, `check.mjs` from JavaScript with other libraries.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import zstandard
from eth_account import Account

from medrec_py import crypto, sealing
from medrec_py.crypto.stream import StreamCipher
from medrec_py.sealing import canonical, envelope
from medrec_py.sealing.documents import write_bundle
from medrec_py.sealing.frame import Kind, wrap
from medrec_py.types.json_values import parse

HERE = Path(__file__).parent
PATIENT, PROVIDER, CONTRACT, VIEWER = ("0x" + digits * 20 for digits in ("11", "22", "33", "44"))
ROOT = crypto.RootKey(bytes(range(32)))
TOP = crypto.relationship_node(ROOT, PATIENT, PROVIDER, 1)
CONTEXT = sealing.Context(31337, CONTRACT, PATIENT, PROVIDER, 3, 2024, 1)
PLACE = sealing.BundleContext(31337, CONTRACT, PATIENT)
PATIENT_SEED = crypto.participant_seed(ROOT, PATIENT)
VIEWER_SEED = crypto.ParticipantSeed(bytes(range(32, 64)))


WORDS = (
    "grumpy unfold acrobat academic brother burning nail taxi tidy reject credit busy ceiling axis hazard deploy "
    "predator shrimp remember vexed"
)
"""A line of words in the place of a share; shares that can be put together are in `splitting.json`."""


def derivation() -> dict:
    """Root, case keys, participant keys and relationship nodes."""
    signatures = [bytes(range(65)), bytes(range(32)) + b"\xff" * 32 + b"\x1b", bytes(range(100))]
    cases = [(index, crypto.case_key(ROOT, index)) for index in (0, 1, 0xFFFFFFFF)]
    seeds = [(address, crypto.participant_seed(ROOT, address)) for address in (PATIENT, PROVIDER)]
    nodes = [
        (subject, provider, number, crypto.relationship_node(ROOT, subject, provider, number))
        for subject, provider, number in [
            (PATIENT, PROVIDER, 1),
            (PATIENT, PATIENT, 0),
            (PATIENT, PROVIDER, 0xFFFFFFFF),
        ]
    ]
    return {
        "root": ROOT.reveal().hex(),
        "signatures": [
            {"signature": signature.hex(), "root": crypto.root_from_signature(signature).reveal().hex()}
            for signature in signatures
        ],
        "cases": [
            {"index": index, "key": key.reveal().hex(), "address": Account.from_key(key.reveal()).address}
            for index, key in cases
        ],
        "recovery": {
            "key": crypto.recovery_key(ROOT).reveal().hex(),
            "address": Account.from_key(crypto.recovery_key(ROOT).reveal()).address,
        },
        "participants": [
            {
                "address": address,
                "seed": seed.reveal().hex(),
                "public_key": crypto.ParticipantKey.from_seed(seed).public_key.data.hex(),
            }
            for address, seed in seeds
        ],
        "relationships": [
            {
                "subject": subject,
                "provider": provider,
                "number": number,
                "node": node.key.reveal().hex(),
                "mailbox_key": crypto.mailbox_key(node).reveal().hex(),
            }
            for subject, provider, number, node in nodes
        ],
    }


def keytree() -> dict:
    """Keys along the tree, and covering sets."""
    paths = ["/", "/0", "/4294967295", "/0/3", "/1/63", "/0/3/0", "/0/3/01111100", "/0/3/11111111", "/0/3/undated"]
    coverings = [(1900, 2155, True), (1900, 2155, False), (2024, 2155, False), (2001, 2020, True), (2024, 2024, False)]
    return {
        "top": TOP.key.reveal().hex(),
        "nodes": [
            {"path": path, "key": crypto.derive(TOP, crypto.Path.parse(path)).key.reveal().hex()} for path in paths
        ],
        "coverings": [
            {
                "first_year": first,
                "last_year": last,
                "include_undated": undated,
                "nodes": [
                    {"path": str(node.path), "key": node.key.reveal().hex()}
                    for node in crypto.covering_set([TOP], [3], first, last, include_undated=undated, epochs=[0, 1])
                ],
            }
            for first, last, undated in coverings
        ],
    }


def hpke() -> dict:
    """Messages sealed by both implementations."""
    vectors = []
    for seed in (PATIENT_SEED, VIEWER_SEED):
        public_key = crypto.ParticipantKey.from_seed(seed).public_key
        for plaintext, info in [(b"", b""), (b"a record", b"medrec/1 info"), (bytes(range(256)), bytes(100))]:
            asked = {"public_key": public_key.data.hex(), "plaintext": plaintext.hex(), "info": info.hex()}
            here = {"sealed_by": "cryptography", "sealed": public_key.seal(plaintext, info).hex()}
            command = ["node", HERE / "check.mjs", "seal", json.dumps(asked)]
            there = {
                "sealed_by": "@hpke/hybridkem-x-wing",
                "sealed": subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip(),
            }
            vectors += [{"seed": seed.reveal().hex(), **asked, **sealed} for sealed in (here, there)]
    return {"messages": vectors}


def stream() -> dict:
    """Streams of small chunks, around the ends of chunks."""
    key, prefix, chunk_bytes = bytes(range(32)), bytes(range(7)), 32
    cipher = StreamCipher(key, prefix, chunk_bytes=chunk_bytes)
    plaintexts = [bytes(index % 256 for index in range(size)) for size in (0, 1, 31, 32, 33, 64, 100)]
    return {
        "key": key.hex(),
        "prefix": prefix.hex(),
        "chunk_bytes": chunk_bytes,
        "streams": [{"plaintext": text.hex(), "ciphertext": cipher.encrypt(text).hex()} for text in plaintexts],
    }


def _parcel_keys() -> dict[str, tuple[object, dict]]:
    compartment = crypto.leaf_for([TOP], CONTEXT.epoch, CONTEXT.class_number, CONTEXT.period)
    excerpt = crypto.ContentKey(bytes(range(64, 96)))
    assert compartment is not None
    return {
        "COMPARTMENT": (compartment, {"compartment_key": compartment.reveal().hex()}),
        "SUBJECT": (
            crypto.ParticipantKey.from_seed(PATIENT_SEED).public_key,
            {"seed": PATIENT_SEED.reveal().hex()},
        ),
        "EXCERPT": (excerpt, {}),
    }


def parcel() -> dict:
    """Records and a blob in each suite."""
    ndjson = b'{"resourceType":"Observation","value":1.10}\n{"text":"a\\u0000\xc3\xa9"}\n'
    resources = canonical.read_records(ndjson)
    blob = bytes(range(256)) * 3
    parcels = []
    for suite, (key, opener) in _parcel_keys().items():
        sealed = sealing.seal_records(resources, CONTEXT, key)  # type: ignore[arg-type]
        parcels.append(
            {
                "suite": suite,
                **opener,
                "content_key": sealed.content_key.reveal().hex(),
                "frame": wrap(Kind.RECORDS, canonical.compress(ndjson)).hex(),
                "ndjson": ndjson.hex(),
                "object": sealed.data.hex(),
            }
        )
        out = io.BytesIO()
        written = sealing.seal_blob(
            io.BytesIO(blob), out, CONTEXT, key, content_type="application/dicom", name="ct.dcm"  # type: ignore[arg-type]
        )  # fmt: skip
        parcels.append(
            {
                "suite": suite,
                **opener,
                "content_key": written.content_key.reveal().hex(),
                "content_type": "application/dicom",
                "name": "ct.dcm",
                "blob": blob.hex(),
                "object": out.getvalue().hex(),
            }
        )
    fields = ("chain_id", "contract", "subject", "author", "class_number", "period", "epoch")
    return {"context": {name: getattr(CONTEXT, name) for name in fields}, "parcels": parcels}


def bundle() -> dict:
    """A bundle of each kind, sealed to the viewer and to the patient."""
    nodes = crypto.covering_set([TOP], [1, 3], 2024, 2155, include_undated=True, epochs=[0])
    keys = sealing.RelationshipKeys(PROVIDER, 1, nodes)
    excerpt = sealing.Excerpt(
        bytes(range(32)), bytes(range(32, 64)), crypto.ContentKey(bytes(range(64, 96))), PROVIDER, 3, 2023, 1
    )
    recipients = [crypto.ParticipantKey.from_seed(seed).public_key for seed in (VIEWER_SEED, PATIENT_SEED)]
    terms = parse('{"classes":10,"salt":"00","dose":1.10}')
    assert isinstance(terms, dict)
    bundles: list[sealing.Bundle] = [
        sealing.RelationshipBundle(
            sealing.RelationshipKeys(PROVIDER, 1, (crypto.derive(TOP, crypto.Path(0)),)),
            recipients[1],
            crypto.mailbox_key(TOP),
        ),
        sealing.GrantBundle(
            PATIENT, VIEWER, terms, (keys,), (excerpt,), crypto.MailboxKey(bytes(32)), recipients[1], ({"a": 1},)
        ),
        sealing.RekeyBundle((keys,), (bytes(range(32)),), (excerpt,)),
        sealing.InheritanceBundle(ROOT, sealing.Reason.MOVE, VIEWER),
        sealing.ShareBundle(PATIENT, VIEWER, "a label", WORDS, bytes(range(32)), (bytes(range(32, 64)),), VIEWER_SEED),
        sealing.SuccessionBundle(VIEWER, 1, 1_800_000_000, bytes(range(32)), bytes(range(65))),
        sealing.PlanBundle(2, PATIENT, (sealing.Appointed(VIEWER, "a sister", bytes(range(32))),) * 2),
        sealing.ReasonBundle(PROVIDER, "unconscious after an accident"),
    ]
    return {
        "context": {"chain_id": PLACE.chain_id, "contract": PLACE.contract, "subject": PLACE.subject},
        "seeds": [seed.reveal().hex() for seed in (VIEWER_SEED, PATIENT_SEED)],
        "bundles": [
            {
                "kind": kind.value,
                "document": write_bundle(each).decode(),
                "object": sealing.seal_bundle(each, PLACE, recipients).hex(),
            }
            for kind, each in zip(sealing.BundleKind, bundles, strict=True)
        ],
    }


def locator() -> dict:
    """Locators of one publication and the blinds that go with them."""
    compartment, mailbox = crypto.CompartmentKey(bytes(range(32))), crypto.MailboxKey(bytes(range(32, 64)))
    keys: list[crypto.CompartmentKey | crypto.MailboxKey] = [compartment, compartment, mailbox, compartment]
    locators = sealing.make_locators(keys)
    return {
        "keys": [compartment.reveal().hex(), mailbox.reveal().hex()],
        "locators": [
            {
                "locator": locator.hex(),
                "key": 0 if key is compartment else 1,
                "count": keys[:position].count(key) if key is compartment else 0,
                "blind": sealing.batch_blind(key, locator).hex(),
            }
            for position, (key, locator) in enumerate(zip(keys, locators, strict=True))
        ],
        "strangers": [os.urandom(16).hex() for _ in range(2)],
    }


def batch() -> dict:
    """Trees of several sizes."""
    batches = []
    for count in (1, 2, 5, 8):
        leaves = [
            sealing.BatchLeaf(
                PATIENT if number % 2 else VIEWER,
                number,
                bytes([number]) * 32,
                bytes([7 * number % 256]) * 16,
                bytes([number + 100]) * 32,
            )
            for number in range(count)
        ]
        manifest = sealing.make_manifest(leaves)
        batches.append(
            {
                "leaves": [
                    {
                        "subject": leaf.subject,
                        "number": leaf.number,
                        "digest": leaf.digest.hex(),
                        "locator": leaf.locator.hex(),
                        "blind": leaf.blind.hex(),
                        "hash": leaf.hash.hex(),
                    }
                    for leaf in leaves
                ],
                "manifest": manifest.encode().hex(),
                "root": manifest.root.hex(),
                "proofs": [[part.hex() for part in manifest.proof(position)] for position in range(count)],
            }
        )
    return {"batches": batches}


def splitting() -> dict:
    """Sharings of a secret by SLIP-39."""
    return {
        "secret": ROOT.reveal().hex(),
        "sharings": [
            {"threshold": threshold, "shares": crypto.split(ROOT.reveal(), threshold, count)}
            for threshold, count in [(2, 2), (2, 3), (3, 5), (8, 16)]
        ],
    }


def custody() -> dict:
    """The objects that hold sealed shares, and the tree of a plan's guardians."""
    patient, viewer = (crypto.ParticipantKey.from_seed(seed).public_key for seed in (PATIENT_SEED, VIEWER_SEED))
    share = sealing.ShareBundle(PATIENT, VIEWER, "a label", WORDS, bytes(range(32)))
    plan = sealing.PlanBundle(2, None, (sealing.Appointed(VIEWER, "a sister", bytes(range(32))),) * 2)
    sealed = (sealing.seal_bundle(share, PLACE, [viewer]), sealing.seal_bundle(plan, PLACE, [patient]))
    guardians = [(guardian, bytes([at]) * 32) for at, guardian in enumerate((VIEWER, PROVIDER, CONTRACT))]
    leaves = [sealing.guardian_leaf(PATIENT, guardian, salt) for guardian, salt in guardians]
    tree = sealing.tree_over(leaves)
    return {
        "context": {"chain_id": PLACE.chain_id, "contract": PLACE.contract, "subject": PLACE.subject},
        "shares": sealing.Shares(sealed).encode().decode(),
        "custody": sealing.Custody(patient, viewer, viewer, sealed).encode().decode(),
        "plan": {
            "owner": PATIENT,
            "root": tree[0].hex(),
            "guardians": [
                {
                    "guardian": guardian,
                    "salt": salt.hex(),
                    "leaf": leaf.hex(),
                    "proof": [part.hex() for part in sealing.proof_in(tree, at)],
                }
                for at, ((guardian, salt), leaf) in enumerate(zip(guardians, leaves, strict=True))
            ],
        },
    }


def limits() -> dict:
    """The largest parcels that readers take, and those that they refuse before they expand or read them."""
    key = crypto.leaf_for([TOP], CONTEXT.epoch, CONTEXT.class_number, CONTEXT.period)
    assert key is not None
    most = canonical.MAX_VALUES

    def sealed(ndjson: bytes) -> str:
        # What `seal_records` refuses, sealed as it would.
        salt, bound = bytes(32), CONTEXT.encode()
        own_key = envelope.content_key(key, salt, bound)
        opening, cipher = envelope.begin(envelope.Suite.COMPARTMENT, salt, b"", own_key, bound)
        frame = zstandard.ZstdCompressor(level=19, write_checksum=False).compress(ndjson)
        return (opening + cipher.encrypt(wrap(Kind.RECORDS, frame))).hex()

    def text(size: int) -> bytes:
        return b'{"a":"' + b"a" * (size - 9) + b'"}\n'

    def values(count: int) -> bytes:
        return b'{"a":[' + b",".join([b"0"] * (count - 1)) + b"]}\n"

    return {
        "context": asdict(CONTEXT),
        "compartment_key": key.reveal().hex(),
        "max_expanded": canonical.MAX_EXPANDED,
        "max_values": most,
        "accepted": {
            "expanded": sealed(text(canonical.MAX_EXPANDED)),
            "values": sealed(values(most)),
        },
        "refused": {
            "expanded": sealed(text(canonical.MAX_EXPANDED + 1)),
            "values": sealed(values(most + 1)),
        },
    }


def main(names: list[str]) -> None:
    """Writes one JSON file for each format, or for those that are named."""
    for make in (derivation, keytree, hpke, stream, parcel, bundle, locator, batch, splitting, custody, limits):
        if names and make.__name__ not in names:
            continue
        text = json.dumps(make(), indent=1, ensure_ascii=False)
        (HERE / f"{make.__name__}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
