"""Locators: 16 bytes beside each anchored parcel, by which the holder of its key finds it; to all others random.

A locator is `nonce (8 random bytes) ‖ tag`. The tag is the first 8 bytes of HMAC-SHA256(key, "locator" ‖ nonce ‖
count), where count (4 bytes) tells apart the parcels of one compartment in one publication.

All locators of one publication share the nonce. That tells nobody anything, since one event names them all; and a key
holder so computes one HMAC for each key and publication, not for each key and parcel: a patient with 6,425 compartments
finds its parcels in a batch over a thousand subjects in milliseconds.
"""

from __future__ import annotations

import hmac
import os
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeAlias

from medrec_py.crypto.encoding import label
from medrec_py.crypto.secret import CompartmentKey, MailboxKey
from medrec_py.errors import InvalidInput

LOCATOR_BYTES: Final = 16
BLIND_BYTES: Final = 32

LocatorKey: TypeAlias = CompartmentKey | MailboxKey
"""Of a parcel's compartment; or of the mailbox, for what only its two holders shall find."""

_NONCE_BYTES: Final = 8
_LOCATOR: Final = label("locator")
_BLIND: Final = label("blind")


def make_locators(keys: Sequence[LocatorKey]) -> tuple[bytes, ...]:
    """One locator for each parcel of a publication (an anchor call, or a batch over many subjects).

    Args:
        keys: For each parcel its compartment's key; the relationship's mailbox key for one sealed to the subject.
    """
    while True:
        nonce = os.urandom(_NONCE_BYTES)
        used: Counter[bytes] = Counter()
        locators = []
        for key in keys:
            secret = key.reveal()
            first = _tag(secret, _LOCATOR + nonce, 0)
            # Equal keys make equal first tags: so parcels of one compartment are counted.
            count = used[first]
            used[first] += 1
            locators.append(nonce + (_tag(secret, _LOCATOR + nonce, count) if count else first))
        if len(set(locators)) == len(locators):
            return tuple(locators)


def match_locators(locators: Sequence[bytes], keys: Sequence[LocatorKey]) -> dict[int, int]:
    """Which locators belong to which keys.

    One HMAC for each key and publication of which something is still to be found, and one more for each match: so the
    likeliest keys come best first. A tag fits by chance once in 2^64 trials; the object then doesn't open.

    Returns:
        Position of the locator → position of the key, for those that match, in the locators' order.

    Raises:
        InvalidInput: A locator has not 16 bytes.
    """
    publications: dict[bytes, dict[bytes, list[int]]] = {}
    for position, locator in enumerate(locators):
        if len(locator) != LOCATOR_BYTES:
            raise InvalidInput(f"A locator has {LOCATOR_BYTES} bytes, not {len(locator)}.", position=position)
        tags = publications.setdefault(_LOCATOR + locator[:_NONCE_BYTES], {})
        tags.setdefault(locator[_NONCE_BYTES:], []).append(position)
    found: dict[int, int] = {}
    for key_position, key in enumerate(keys):
        secret = key.reveal()
        emptied = []
        for message, tags in publications.items():
            count = 0
            while positions := tags.pop(_tag(secret, message, count), None):
                found.update(dict.fromkeys(positions, key_position))
                count += 1
            if not tags:
                emptied.append(message)
        for message in emptied:
            del publications[message]
    return dict(sorted(found.items()))


def batch_blind(key: LocatorKey, locator: bytes) -> bytes:
    """The 32 bytes that blind a parcel's leaf in a batch: HMAC-SHA256(key, "blind" ‖ locator).

    Raises:
        InvalidInput: The locator has not 16 bytes.
    """
    if len(locator) != LOCATOR_BYTES:
        raise InvalidInput(f"A locator has {LOCATOR_BYTES} bytes, not {len(locator)}.")
    return hmac.digest(key.reveal(), _BLIND + locator, "sha256")


def _tag(key: bytes, message: bytes, count: int) -> bytes:
    return hmac.digest(key, message + count.to_bytes(4, "big"), "sha256")[: LOCATOR_BYTES - _NONCE_BYTES]
