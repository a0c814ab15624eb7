"""Writes the vectors of what is said in the clear: grants, ledgers, blocks, JSON and zstd frames.

`python tests/vectors/generate_types.py [NAME …]`. All of it comes out the same each time. As with `generate.py`, run it
only after a format was changed on purpose. `test_vectors.py` checks that it still does; the page's tests (`web/tests`)
check that TypeScript hashes, renders, reads and writes the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import zstandard
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from medrec_py.chain.structs import presented_grant_id, terms_hash
from medrec_py.errors import InvalidJson
from medrec_py.storage.cid import Cid, Codec
from medrec_py.storage.unixfs import build
from medrec_py.types.event_json import event_to_json
from medrec_py.types.events import Anchored, BatchAnchored, Event, LoggedEvent, Retracted
from medrec_py.types.json_values import canonical, parse
from medrec_py.types.ledger import EMPTY_HEAD, entries_of, replay
from medrec_py.types.statement import Language, render
from medrec_py.types.terms import (
    MESSAGE_TYPES,
    NO_EXPIRY,
    NO_FIRST_DATE,
    NO_LAST_DATE,
    ZERO_ADDRESS,
    ZERO_BYTES32,
    Domain,
    Operation,
    PresentedGrant,
    Terms,
    grant_message,
    typed_data,
)
from medrec_py.types.unlock import unlock_message
from medrec_py.types.vocabulary import EVERY_CLASS, VOCABULARY

HERE = Path(__file__).parent
PATIENT, PROVIDER, CONTRACT, VIEWER = ("0x" + digits * 20 for digits in ("11", "22", "33", "44"))
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def _plain(value: object) -> object:
    """A value as JSON can hold it: bytes as 0x-hex, numbers as text, which no reader rounds."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(int(value)) if isinstance(value, int) else value


def grants() -> dict:
    """Statements, struct hashes, grant ids and the hashes that people sign."""
    agent, condition = (to_checksum_address("0x" + digits * 20) for digits in ("ab", "cd"))
    viewer = to_checksum_address("0x" + "5a" * 20)
    plain = Terms(
        agent=ZERO_ADDRESS,
        classes=VOCABULARY.class_mask("ordinary"),
        purposes=VOCABULARY.purpose_mask(["TREAT"]),
        operations=Operation.READ,
        starts_at=1_800_000_000,
        expires_at=NO_EXPIRY,
        records_from=NO_FIRST_DATE,
        records_until=NO_LAST_DATE,
        delegations=0,
        parent=ZERO_BYTES32,
        condition=ZERO_ADDRESS,
        vocabulary=VOCABULARY.hash,
        statement="",
        salt=bytes(range(32)),
    )
    every = replace(
        plain,
        agent=agent,
        classes=VOCABULARY.class_mask("all"),
        purposes=VOCABULARY.purpose_mask("all"),
        operations=Operation(31),
        expires_at=1_900_000_061,
        records_from=20200229,
        records_until=20251231,
        delegations=255,
        parent=bytes(range(32, 64)),
        condition=condition,
    )
    cases = [
        plain,
        every,
        replace(plain, records_from=10101, expires_at=253_402_300_799),
        replace(plain, records_until=20301231, expires_at=253_402_300_800, starts_at=0),
        replace(plain, classes=1 << 7, operations=Operation.QUERY | Operation.TRAIN, delegations=1),
        replace(plain, classes=EVERY_CLASS),
    ]
    domain = Domain("MedRec", 31337, CONTRACT)
    vectors = []
    for language in LANGUAGES:
        for case in cases:
            terms = case.with_statement(render(case, viewer, language))
            grant = PresentedGrant(PATIENT, viewer, bytes(range(64, 96)), terms)
            document = typed_data(domain, "Grant", grant_message(PATIENT, grant))
            vectors.append(
                {
                    "language": language,
                    "viewer": viewer,
                    "terms": terms.to_json(),
                    "terms_hash": "0x" + terms_hash(terms).hex(),
                    "subject": PATIENT,
                    "bundle": "0x" + grant.bundle.hex(),
                    "id": "0x" + presented_grant_id(PATIENT, grant).hex(),
                    "signed": _signed_hash(document),
                }
            )
    samples = {"address": VIEWER, "bytes32": bytes(range(32)), "bytes": bytes(range(40)), "string": "a ‘text’ 文"}
    samples["bytes32[]"] = [bytes(range(32)), bytes(32)]
    messages = []
    for name, fields in MESSAGE_TYPES.items():
        if name in ("Terms", "Grant"):
            continue
        message = {
            field: samples[kind] if kind in samples else 2 ** int(kind.removeprefix("uint")) - 1 - at
            for at, (field, kind) in enumerate(fields)
        }
        signed = _signed_hash(typed_data(domain, name, message))
        messages.append({"type": name, "message": _plain(message), "signed": signed})
    unlocking = _signed_hash(unlock_message(domain, PATIENT))
    return {
        "vocabulary": "0x" + VOCABULARY.hash.hex(),
        "domain": {"name": domain.name, "chain_id": domain.chain_id, "contract": domain.contract},
        "grants": vectors,
        "messages": messages,
        "unlock": {"account": PATIENT, "signed": unlocking},
    }


def _signed_hash(document: dict) -> str:
    signable = encode_typed_data(full_message=document)
    return "0x" + keccak(b"\x19" + signable.version + signable.header + signable.body).hex()


def ledger() -> dict:
    """Events and the heads that a ledger has after each."""
    patient, provider = to_checksum_address(PATIENT), to_checksum_address(PROVIDER)
    digests = [bytes([at]) * 32 for at in range(6)]
    locators = [bytes([at + 100]) * 16 for at in range(6)]
    events: list[Event] = [
        Anchored(patient, provider, 1_800_000_000, tuple(digests[:1]), tuple(locators[:1])),
        Anchored(patient, patient, 1_800_000_012, tuple(digests[1:4]), tuple(locators[1:4])),
        Retracted(patient, provider, 1_800_000_024, digests[0], bytes(32)),
        Retracted(patient, patient, (1 << 48) - 1, digests[1], digests[2]),
        BatchAnchored(provider, 1_800_000_036, digests[4], digests[5], 1000),
    ]
    head, heads = EMPTY_HEAD, []
    for at, event in enumerate(events):
        head = replay(entries_of(LoggedEvent(at, bytes(32), at, bytes(32), CONTRACT, event)), head)
        heads.append("0x" + head.hex())
    return {"events": [event_to_json(event) for event in events], "heads": heads}


def objects() -> dict:
    """CIDs of pseudorandom bytes (SHA-256 of a counter, block by block), around the ends of chunks."""
    sizes = [0, 1, 31, 1 << 20, (1 << 20) + 1, (3 << 20) + 5]
    content = b"".join(hashlib.sha256(at.to_bytes(8, "big")).digest() for at in range(max(sizes) // 32 + 1))
    found = []
    for size in sizes:
        blocks: list[tuple[Cid, bytes]] = []
        built = build(content[:size], lambda cid, block, blocks=blocks: blocks.append((cid, bytes(block))))
        nodes = [block.hex() for cid, block in blocks if cid.codec is Codec.DAG_PB]
        found.append({"size": size, "cid": str(built.cid), "nodes": nodes, "blocks": built.blocks})
    return {"objects": found}


JSON_TEXTS = (
    *('{"b":1,"a":[1.10,1E5,-0,0,-1,1e400,12345678901234567890]}', ' { "a" : [ ] , "\\u0061b" : { } } ', "[]", "null"),
    *(
        '{"\U0001f600":1,"\uffff":2,"\ue000":3}',
        '"\\ud83d\\ude00\\u0000\\b\\f\\n\\r\\t\\/\\\\\\""',
        '"\x7f\u2028"',
        "1.0",
        "-1.5e-7",
    ),
    *('{"__proto__":{"a":1},"constructor":2}', '{"10":1,"9":2,"1a":3}', "[" * 128 + "]" * 128, "[" * 129 + "]" * 129),
    *('{"a":1,"a":1}', "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "1e", '"\\ud800"', '"\\udc00\\ud800"'),
    *('"\\x"', '"\n"', "'a'", "[1,]", '{"a":1,}', "", " ", "{", "nul", "nulll", "1 2", "\ufeff1", "\x0b1", "[1]x"),
    *('"\\u12g4"', '"\\u123"', '"', "{1:2}", '{"a"}', '{"a" 1}', "tru", "1e99999999999999999999", "/**/1"),
)


def texts() -> dict:
    """JSON as it is read and written again, or refused (null); and zstd frames of Python's compressor."""
    documents = []
    for text in JSON_TEXTS:
        try:
            written = canonical(parse(text.encode())).decode()
        except InvalidJson:
            written = None
        documents.append({"text": text, "canonical": written})
    words = [hashlib.sha256(bytes([at % 7, at % 5])).hexdigest()[: at % 23] for at in range(20_000)]
    contents = [
        b"a",
        bytes(300_000),
        bytes(range(256)) * 4,
        b"".join(hashlib.sha256(at.to_bytes(8, "big")).digest() for at in range(60)),
        b'{"resourceType":"Observation","status":"final"}\n' * 100,
        " ".join(words).encode(),
        "".join(
            f'{{"code":"{word[:4]}-{at % 9}","id":"{word}","status":"final","value":{len(word)}.{at % 50}}}\n'
            for at, word in enumerate(words[:400])
        ).encode(),
    ]
    frames = [
        {
            "length": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "level": level,
            "checksum": checksum,
            "frame": base64.b64encode(
                zstandard.ZstdCompressor(level=level, write_content_size=True, write_checksum=checksum).compress(
                    content
                )
            ).decode(),
        }
        for content in contents
        for level, checksum in [(3, False), (1, True), (19, False)]
    ]
    return {"documents": documents, "frames": frames}


FORMATS = (grants, ledger, objects, texts)


def main(names: list[str]) -> None:
    """Writes one JSON file for each format, or for those that are named."""
    for make in FORMATS:
        if names and make.__name__ not in names:
            continue
        text = json.dumps(make(), indent=1, ensure_ascii=False)
        (HERE / f"{make.__name__}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
