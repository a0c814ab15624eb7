from __future__ import annotations

import dataclasses
import os
import warnings
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3._utils.events import get_event_data

from medrec_py.chain.abi import abi_type, artifact, signature
from medrec_py.chain.decoding import SIGNATURES, decode_log, decode_logs
from medrec_py.chain.hashing import checksum, keccak
from medrec_py.errors import ChainInconsistent
from medrec_py.types import events as event_types

EMITTERS = ("MedRec", "Registrar", "Guardianship", "Emergency")
EVENTS = {
    signature(entry): entry for contract in EMITTERS for entry in artifact(contract).abi if entry["type"] == "event"
}
PYTHON_NAMES = {
    "publicKey": "public_key",
    "expiresAt": "expires_at",
    "termsHash": "terms_hash",
    "startsAt": "starts_at",
    "opensAt": "opens_at",
    "signAt": "sign_at",
}
CLASS_NAMES = {"ParcelAnchored": "Anchored"}
"""Events that are read as another one: a parcel alone is what several are."""
CONTRACT = checksum(os.urandom(20))
CODEC = Web3().codec


def test_every_event_of_the_contracts_has_a_decoder_and_a_class() -> None:
    assert set(SIGNATURES) == set(EVENTS)
    classes = {name for name in vars(event_types) if dataclasses.is_dataclass(getattr(event_types, name))}
    names = (text.partition("(")[0] for text, decoder in SIGNATURES.items() if decoder is not None)
    decoded = {CLASS_NAMES.get(name, name) for name in names}
    assert decoded == classes - {"LoggedEvent"}


def values_of(kind: str) -> st.SearchStrategy[Any]:
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(checksum)
    if kind in ("bytes16", "bytes32"):
        size = int(kind.removeprefix("bytes"))
        return st.binary(min_size=size, max_size=size)
    if kind == "bytes":
        return st.binary(max_size=200)
    if kind == "bytes32[]":
        return st.lists(values_of("bytes32"), max_size=6)
    return st.integers(0, 2 ** int(kind.removeprefix("uint")) - 1)


@st.composite
def logs(draw: st.DrawFn, *, only: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A log as a node would give it, and the values in it by Solidity name."""
    names = [only] if only else [text for text, decoder in SIGNATURES.items() if decoder is not None]
    entry = EVENTS[draw(st.sampled_from(names))]
    values = {part["name"]: draw(values_of(abi_type(part))) for part in entry["inputs"]}
    if entry["name"] == "Anchored":
        values["locators"] = draw(st.binary(min_size=16 * len(values["digests"]), max_size=16 * len(values["digests"])))
    indexed = [part for part in entry["inputs"] if part["indexed"]]
    plain = [part for part in entry["inputs"] if not part["indexed"]]
    topics = [keccak(signature(entry).encode()), *(encode([abi_type(p)], [values[p["name"]]]) for p in indexed)]
    log = {
        "address": draw(st.sampled_from([CONTRACT, CONTRACT.lower()])),
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode([abi_type(p) for p in plain], [values[p["name"]] for p in plain]).hex(),
        "blockNumber": hex(draw(st.integers(0, 2**40))),
        "blockHash": "0x" + draw(values_of("bytes32")).hex(),
        "logIndex": hex(draw(st.integers(0, 2**20))),
        "transactionHash": "0x" + draw(values_of("bytes32")).hex(),
        "transactionIndex": "0x0",
    }
    return log, values


@given(logs())
def test_events_are_decoded_as_web3_decodes_them(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    log, _ = case
    logged = decode_log(log)
    assert logged is not None
    entry = next(e for e in EVENTS.values() if "0x" + keccak(signature(e).encode()).hex() == log["topics"][0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = get_event_data(
            CODEC,
            entry,  # type: ignore[arg-type]
            {
                **log,
                "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]],
                "data": bytes.fromhex(log["data"][2:]),
            },  # type: ignore[arg-type]
        )
    assert type(logged.event).__name__ == CLASS_NAMES.get(theirs["event"], theirs["event"])
    args = dict(theirs["args"])
    if theirs["event"] == "ParcelAnchored":
        args |= {"digests": [args.pop("digest")], "locators": args.pop("locator")}
    for name, value in args.items():
        ours = getattr(logged.event, PYTHON_NAMES.get(name, name))
        if name == "locators":
            assert (b"".join(ours), {16} >= set(map(len, ours))) == (value, True)
        else:
            assert (list(ours) if isinstance(ours, tuple) else ours) == (list(value) if name == "digests" else value)
    assert (logged.block_number, logged.log_index) == (int(log["blockNumber"], 16), int(log["logIndex"], 16))
    assert "0x" + logged.block_hash.hex() == log["blockHash"]
    assert "0x" + logged.transaction_hash.hex() == log["transactionHash"]
    assert logged.contract == CONTRACT


@given(logs(), st.data())
def test_no_altered_log_decodes_to_the_same_event_or_breaks_the_decoder(
    case: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    log, _ = case
    before = decode_log(log)
    raw = bytearray.fromhex(log["data"][2:])
    how = data.draw(st.sampled_from(["flip", "cut", "extend", "topic", "topics"]))
    altered = dict(log)
    if how == "flip" and raw:
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        altered["data"] = "0x" + raw.hex()
    elif how == "cut" and raw:
        altered["data"] = "0x" + raw[: data.draw(st.integers(0, len(raw) - 1))].hex()
    elif how == "extend":
        altered["data"] = "0x" + (raw + data.draw(st.binary(min_size=1, max_size=64))).hex()
    elif how == "topic":
        topics = list(log["topics"])
        at = data.draw(st.integers(0, len(topics) - 1))
        topic = bytearray.fromhex(topics[at][2:])
        topic[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
        topics[at] = "0x" + topic.hex()
        altered["topics"] = topics
    else:
        altered["topics"] = log["topics"][: data.draw(st.integers(0, len(log["topics"]) - 1))]
    try:
        after = decode_log(altered)
    except ChainInconsistent:
        return
    assert after is not None
    assert before is not None
    assert after.event != before.event


@pytest.mark.parametrize("name", [text for text, decoder in SIGNATURES.items() if decoder is not None])
def test_every_single_byte_of_a_log_counts(name: str) -> None:
    entry = EVENTS[name]
    # Lengths that leave padding behind a dynamic value, so that its bytes are flipped too.
    sample = {"address": CONTRACT, "bytes": b"k" * 45, "bytes32[]": [bytes([n]) * 32 for n in range(3)]}
    values = [
        b"l" * 48
        if part["name"] == "locators"
        else sample.get(abi_type(part), 7 if "uint" in part["type"] else b"w" * 16)
        for part in entry["inputs"]
    ]
    values = [
        v.ljust(32, b"w") if abi_type(p) == "bytes32" else v for v, p in zip(values, entry["inputs"], strict=True)
    ]
    pairs = list(zip(entry["inputs"], values, strict=True))
    plain = [(abi_type(part), value) for part, value in pairs if not part["indexed"]]
    topics = [keccak(name.encode()), *(encode([abi_type(part)], [value]) for part, value in pairs if part["indexed"])]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    log = {
        "address": CONTRACT,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + data.hex(),
        "blockNumber": "0x1",
        "blockHash": "0x" + "22" * 32,
        "logIndex": "0x0",
        "transactionHash": "0x" + "33" * 32,
    }
    event = decode_log(log)
    assert event is not None
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            other = decode_log({**log, "data": "0x" + changed.hex()})
        except ChainInconsistent:
            continue
        assert other is not None
        assert other.event != event.event, at


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=70),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["topics", "data", "address", "blockNumber", "blockHash", "logIndex", "transactionHash"]
                ),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_value_breaks_the_decoder(value: Any) -> None:
    with pytest.raises(ChainInconsistent):
        decode_log(value)


def test_an_event_that_the_contracts_never_emit_is_refused() -> None:
    log = {"address": CONTRACT, "topics": ["0x" + keccak(b"Transfer(address,address,uint256)").hex()], "data": "0x"}
    with pytest.raises(ChainInconsistent):
        decode_log(log)


def test_logs_of_other_contracts_are_left_out() -> None:
    topic = "0x" + keccak(b"AccreditationWithdrawn(address)").hex()
    log = {
        "address": CONTRACT.lower(),
        "topics": [topic, "0x" + bytes(12).hex() + "11" * 20],
        "data": "0x",
        "blockNumber": "0x1",
        "blockHash": "0x" + "22" * 32,
        "logIndex": "0x0",
        "transactionHash": "0x" + "33" * 32,
    }
    assert len(decode_logs([log, {**log, "address": "0x" + "44" * 20}], [CONTRACT])) == 1


def test_a_new_authority_of_the_registrar_is_no_event_of_the_history() -> None:
    topic = "0x" + keccak(b"AuthorityUpdated(address)").hex()
    assert decode_log({"address": CONTRACT, "topics": [topic], "data": "0x" + bytes(32).hex()}) is None
