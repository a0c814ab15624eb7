"""Ledgers replay as the contract folds them, and whatever an index bends is named entry by entry."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from eth_abi import encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput
from medrec_py.types.events import Anchored, BatchAnchored, GrantRevoked, LoggedEvent, Retracted
from medrec_py.types.ledger import (
    EMPTY_HEAD,
    EntryKind,
    FaultKind,
    LedgerEntry,
    batch_detail,
    compare,
    entries_of,
    fold,
    replay,
)

PATIENT, PROVIDER, OTHER_PROVIDER = (
    to_checksum_address(hashlib.sha256(role.encode()).digest()[:20]) for role in ("patient", "provider", "other")
)


def word(seed: object) -> bytes:
    return hashlib.sha256(repr(seed).encode()).digest()


def logged(event, block: int = 7, log_index: int = 3) -> LoggedEvent:
    return LoggedEvent(block, word("block"), log_index, word("transaction"), PROVIDER, event)


def anchored(number: int) -> LedgerEntry:
    detail = word(("locator", number))[:16] + bytes(16)
    return LedgerEntry(
        EntryKind.ANCHOR, PROVIDER, 1_700_000_000 + number, word(number), detail, (number, 0, 0), word(("tx", number))
    )


def ledger_of(length: int) -> list[LedgerEntry]:
    return [anchored(number) for number in range(length)]


# ----------------------------------------------------------------------------------------------------------- folding


@given(
    st.binary(min_size=32, max_size=32),
    st.sampled_from(EntryKind),
    st.binary(min_size=20, max_size=20),
    st.integers(0, 2**64 - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)
def test_the_fold_is_the_keccak_of_the_abi_encoding(head, kind, author, time, digest, detail):
    entry = LedgerEntry(kind, to_checksum_address(author), time, digest, detail, (0, 0, 0))
    words = ["bytes32", "uint8", "address", "uint64", "bytes32", "bytes32"]
    assert fold(head, entry) == keccak(encode(words, [head, int(kind), entry.author, time, digest, detail]))


def test_a_locator_is_folded_left_aligned():
    locator = bytes(range(1, 17))
    [entry] = entries_of(logged(Anchored(PATIENT, PROVIDER, 5, (word(1),), (locator,))))
    assert entry.detail == encode(["bytes16"], [locator])
    assert entry.locator == locator
    assert entry.replacement is None


def test_a_batch_folds_the_hash_of_manifest_and_count():
    [entry] = entries_of(logged(BatchAnchored(PROVIDER, 5, word("root"), word("manifest"), 1000)))
    assert entry.detail == keccak(encode(["bytes32", "uint32"], [word("manifest"), 1000]))
    assert entry.detail == batch_detail(word("manifest"), 1000)
    assert (entry.kind, entry.digest, entry.locator) == (EntryKind.BATCH, word("root"), b"")


def test_a_retraction_tells_its_replacement_or_that_there_is_none():
    [plain] = entries_of(logged(Retracted(PATIENT, PROVIDER, 5, word(1), bytes(32))))
    [superseding] = entries_of(logged(Retracted(PATIENT, PROVIDER, 5, word(1), word(2))))
    assert plain.replacement is None
    assert superseding.replacement == word(2)
    assert plain.locator == b""


def test_an_anchoring_event_gives_an_entry_for_each_parcel_in_its_order():
    event = Anchored(PATIENT, PROVIDER, 5, (word(1), word(2), word(3)), (bytes(16), b"\1" * 16, b"\2" * 16))
    entries = entries_of(logged(event))
    assert [entry.digest for entry in entries] == [word(1), word(2), word(3)]
    assert [entry.position for entry in entries] == [(7, 3, 0), (7, 3, 1), (7, 3, 2)]
    assert {entry.transaction_hash for entry in entries} == {word("transaction")}


def test_other_events_add_nothing_to_a_ledger():
    assert entries_of(logged(GrantRevoked(PATIENT, word(1)))) == []


def test_an_event_that_no_contract_emits_is_refused():
    with pytest.raises(InvalidInput, match="1 digests and 2 locators"):
        entries_of(logged(Anchored(PATIENT, PROVIDER, 5, (word(1),), (bytes(16), bytes(16)))))
    with pytest.raises(InvalidInput, match="16 bytes, not 15"):
        entries_of(logged(Anchored(PATIENT, PROVIDER, 5, (word(1),), (bytes(15),))))
    with pytest.raises(InvalidInput, match="32 bytes"):
        entries_of(logged(Retracted(PATIENT, PROVIDER, 5, b"short", bytes(32))))


def test_an_empty_ledger_has_the_head_zero():
    assert replay([]) == EMPTY_HEAD == bytes(32)


def test_a_replay_goes_on_from_a_head():
    entries = ledger_of(5)
    assert replay(entries[3:], replay(entries[:3])) == replay(entries)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_ledger_is_complete(data):
    """LedgerIsComplete: removing, adding, reordering or altering any entry leads to another head."""
    entries = ledger_of(data.draw(st.integers(2, 8)))
    place = data.draw(st.integers(0, len(entries) - 1))
    bent = list(entries)
    match data.draw(st.sampled_from(["remove", "add", "exchange", "alter"])):
        case "remove":
            del bent[place]
        case "add":
            bent.insert(place, anchored(99))
        case "exchange":
            other = data.draw(st.integers(0, len(entries) - 1).filter(lambda other: other != place))
            bent[place], bent[other] = bent[other], bent[place]
        case _:
            change = data.draw(
                st.sampled_from(
                    [
                        {"kind": EntryKind.RETRACT},
                        {"author": OTHER_PROVIDER},
                        {"time": 1},
                        {"digest": word("x")},
                        {"detail": word("y")},
                    ]
                )
            )
            bent[place] = replace(bent[place], **change)
    assert replay(bent) != replay(entries)
    assert compare(bent, entries) != []


# ---------------------------------------------------------------------------------------------------------- comparing


def test_equal_ledgers_have_no_faults():
    assert compare(ledger_of(20), ledger_of(20)) == []
    assert compare([], []) == []


def test_missing_entries_are_named_with_their_place():
    chain = ledger_of(10)
    faults = compare(chain[:3] + chain[4:7] + chain[8:], chain)
    assert [(fault.kind, fault.expected_at, fault.expected, fault.found) for fault in faults] == [
        (FaultKind.MISSING, 3, chain[3], None),
        (FaultKind.MISSING, 7, chain[7], None),
    ]
    assert f"Entry 3 is missing: anchor 0x{chain[3].digest.hex()} by {PROVIDER} (block 3, log 0, place 0)." == str(
        faults[0].sentence
    )


def test_added_entries_are_named_with_their_place():
    chain = ledger_of(4)
    index = [*chain[:2], anchored(99), *chain[2:]]
    [fault] = compare(index, chain)
    assert (fault.kind, fault.found, fault.found_at, fault.expected) == (FaultKind.ADDED, anchored(99), 2, None)
    assert fault.sentence.startswith("Entry 2 was added")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": EntryKind.RETRACT}, "kind"),
        ({"author": OTHER_PROVIDER}, "author"),
        ({"time": 5}, "time"),
        ({"digest": word("another")}, "digest"),
        ({"detail": word("another")}, "detail"),
    ],
)
def test_an_altered_entry_is_named_with_the_field(change, field):
    chain = ledger_of(6)
    index = [*chain[:3], replace(chain[3], **change), *chain[4:]]
    [fault] = compare(index, chain)
    assert (fault.kind, fault.fields, fault.found_at, fault.expected_at) == (FaultKind.ALTERED, (field,), 3, 3)
    assert (fault.expected, fault.found) == (chain[3], index[3])
    assert f"altered in its {field}" in fault.sentence


def test_an_entry_altered_and_moved_is_known_by_its_digest():
    chain = ledger_of(6)
    stray = replace(chain[1], time=9, position=(77, 0, 0))
    faults = compare([chain[0], *chain[2:], stray], chain)
    assert [(fault.kind, fault.found_at, fault.expected_at, fault.fields) for fault in faults] == [
        (FaultKind.ALTERED, 5, 1, ("time",))
    ]


def test_only_the_moved_entry_is_named_when_one_moved():
    chain = ledger_of(100)
    [fault] = compare([*chain[1:], chain[0]], chain)
    assert (fault.kind, fault.expected_at, fault.found_at) == (FaultKind.REORDERED, 0, 99)
    assert fault.sentence.startswith("Entry 0 was moved to place 99")


def test_two_exchanged_entries_are_both_named():
    chain = ledger_of(10)
    index = list(chain)
    index[2], index[7] = index[7], index[2]
    assert [(fault.kind, fault.expected_at) for fault in compare(index, chain)] == [
        (FaultKind.REORDERED, 2),
        (FaultKind.REORDERED, 7),
    ]


def test_a_repeated_entry_is_counted():
    twice = [anchored(0), anchored(0), anchored(1)]
    [missing] = compare([anchored(0), anchored(1)], twice)
    assert (missing.kind, missing.expected_at) == (FaultKind.MISSING, 1)
    [added] = compare(twice, [anchored(0), anchored(1)])
    assert (added.kind, added.found_at) == (FaultKind.ADDED, 1)


def test_position_and_transaction_alone_are_no_fault_because_the_head_does_not_bind_them():
    chain = ledger_of(3)
    index = [replace(entry, position=(9, number, 0), transaction_hash=b"") for number, entry in enumerate(chain)]
    assert replay(index) == replay(chain)
    assert compare(index, chain) == []


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12), st.lists(st.integers(0, 6), max_size=12))
def test_the_faults_account_for_every_difference(index_numbers, chain_numbers):
    """No fault exactly if both fold to the same head; and mending what is named makes them equal."""
    index, chain = [anchored(n) for n in index_numbers], [anchored(n) for n in chain_numbers]
    faults = compare(index, chain)
    assert (faults == []) == (replay(index) == replay(chain))

    wrong = {fault.found_at for fault in faults if fault.found_at is not None}
    lacking = {fault.expected_at for fault in faults if fault.expected_at is not None}
    kept = [entry for place, entry in enumerate(index) if place not in wrong]
    assert kept == [entry for place, entry in enumerate(chain) if place not in lacking]
    for fault in faults:
        assert (fault.found is None) == (fault.found_at is None)
        assert fault.found is None or fault.found == index[fault.found_at]
        assert fault.expected is None or fault.expected == chain[fault.expected_at]


def test_faults_are_json():
    chain = ledger_of(3)
    [fault] = compare(chain[:2], chain)
    assert fault.to_json() == {
        "kind": "missing",
        "found": None,
        "found_at": None,
        "expected": {
            "kind": "anchor",
            "author": PROVIDER,
            "time": 1_700_000_002,
            "digest": "0x" + word(2).hex(),
            "detail": "0x" + chain[2].detail.hex(),
            "position": [2, 0, 0],
        },
        "expected_at": 2,
        "fields": [],
        "sentence": fault.sentence,
    }


def test_ten_thousand_entries_in_reverse_are_compared_quickly():
    chain = ledger_of(10_000)
    assert len(compare(chain[::-1], chain)) == 9_999
