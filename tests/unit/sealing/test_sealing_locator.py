"""Locators: found by the holder of the key, random to everybody else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealing_roles import TOP, compartment_key

from medrec_py.crypto import CompartmentKey, MailboxKey, compartments, mailbox_key
from medrec_py.errors import InvalidInput
from medrec_py.sealing import LOCATOR_BYTES, batch_blind, make_locators, match_locators

KEYS = [leaf.key for leaf in compartments([TOP], classes=[0, 1], epochs=[0])]
MAILBOX = mailbox_key(TOP)


@given(st.lists(st.integers(0, 20), max_size=12), st.lists(st.integers(0, 20), max_size=12))
def test_each_holder_finds_its_own_and_only_those(first: list[int], second: list[int]) -> None:
    locators = [*make_locators([KEYS[at] for at in first]), *make_locators([KEYS[at] for at in second])]
    held = KEYS[:10]
    found = match_locators(locators, held)
    assert found == {at: key for at, key in enumerate([*first, *second]) if key < 10}
    assert list(found) == sorted(found)


def test_parcels_of_one_compartment_have_different_locators_in_one_publication() -> None:
    locators = make_locators([compartment_key()] * 50)
    assert len(set(locators)) == 50
    assert len({locator[:8] for locator in locators}) == 1
    assert {len(locator) for locator in locators} == {LOCATOR_BYTES}
    assert match_locators(locators, [compartment_key()]) == dict.fromkeys(range(50), 0)


def test_locators_are_found_in_any_order() -> None:
    locators = make_locators([compartment_key()] * 5)
    assert match_locators(locators[::-1], [compartment_key()]) == dict.fromkeys(range(5), 0)


def test_publications_share_nothing() -> None:
    first, second = make_locators(KEYS[:20]), make_locators(KEYS[:20])
    assert not {locator[:8] for locator in first} & {locator[:8] for locator in second}
    assert not {locator[8:] for locator in first} & {locator[8:] for locator in second}


def test_a_mailbox_is_found_by_its_key_alone() -> None:
    locators = make_locators([MAILBOX, KEYS[0]])
    assert match_locators(locators, [MAILBOX]) == {0: 0}
    assert match_locators(locators, KEYS) == {1: 0}
    assert match_locators(locators, [MailboxKey.random(), CompartmentKey.random()]) == {}
    assert match_locators([], KEYS) == {}
    assert make_locators([]) == ()


@pytest.mark.parametrize("locator", [b"", bytes(15), bytes(17)])
def test_a_locator_has_16_bytes(locator: bytes) -> None:
    with pytest.raises(InvalidInput, match="16 bytes"):
        match_locators([locator], KEYS)
    with pytest.raises(InvalidInput, match="16 bytes"):
        batch_blind(KEYS[0], locator)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=20))
def test_random_locators_match_nobody(locators: list[bytes]) -> None:
    assert match_locators(locators, KEYS[:20]) == {}


def test_a_blind_belongs_to_one_key_and_locator() -> None:
    first, second = make_locators([KEYS[0], KEYS[0]])
    blinds = {batch_blind(key, locator) for key in KEYS[:2] for locator in (first, second)}
    assert len(blinds) == 4
    assert all(len(blind) == 32 for blind in blinds)
    assert batch_blind(KEYS[0], first) == batch_blind(KEYS[0], first)


def test_a_thousand_locators_against_six_thousand_keys_take_no_time() -> None:
    keys = [leaf.key for leaf in compartments([TOP], classes=range(25), epochs=[0])]
    locators = make_locators([keys[7], *(CompartmentKey.random() for _ in range(999))])
    started = time.perf_counter()
    assert match_locators(locators, keys) == {0: 7}
    assert time.perf_counter() - started < 1
