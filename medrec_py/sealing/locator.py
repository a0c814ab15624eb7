"""Locators: 16 bytes beside each anchored parcel, by which the holder of its key finds it; to all others random.

A locator is `nonce (8 random bytes) ‖ tag`, where tag is the first 8 bytes of HMAC-SHA256(key, "locator" ‖ nonce ‖
count) and count tells apart the parcels of one compartment in one publication. All locators of one publication share
the nonce: so a key holder computes one HMAC per key and publication, not one per key and parcel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from medrec_py.crypto.secret import CompartmentKey, MailboxKey

LOCATOR_BYTES: Final = 16


def make_locators(keys: Sequence[CompartmentKey | MailboxKey]) -> tuple[bytes, ...]:
    """One locator for each parcel of a publication (an anchor call, or a batch over many subjects).

    Args:
        keys: For each parcel its compartment's key; the relationship's mailbox key for one sealed to the subject.
    """
    raise NotImplementedError


def match_locators(locators: Sequence[bytes], keys: Sequence[CompartmentKey | MailboxKey]) -> dict[int, int]:
    """Which locators belong to which keys: position of the locator → position of the key."""
    raise NotImplementedError


def batch_blind(key: CompartmentKey | MailboxKey, locator: bytes) -> bytes:
    """The 32 bytes that blind a parcel's leaf in a batch: HMAC-SHA256(key, "blind" ‖ locator)."""
    raise NotImplementedError
