"""Key bundles: the keys that a relationship, a grant or a re-key hands over, sealed to those who get them.

    magic `MEDKEY` (6) ‖ version (1) ‖ recipients n (1) ‖ n × sealed key (1,168) ‖ commitment (32) ‖ stream

A bundle is sealed to the viewer or provider and to the subject, so that a new device that has nothing but the wallet
finds terms and keys again. Its digest stands in the event that makes it known, which so is its signature. From outside
one sees how many recipients it has and a size in powers of two from 16 KiB on: not who they are (a sealed key shows no
public key, and they stand in random order), and not how much is granted.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from medrec_py.crypto.encoding import label
from medrec_py.crypto.hpke import OVERHEAD_BYTES, ParticipantKey, PublicKey
from medrec_py.crypto.secret import KEY_BYTES, ContentKey
from medrec_py.crypto.stream import StreamReader
from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered, WrongKey
from medrec_py.sealing.canonical import compress, decompress
from medrec_py.sealing.context import BundleContext, BundleKind
from medrec_py.sealing.documents import Bundle, kind_of, read_bundle, write_bundle
from medrec_py.sealing.envelope import COMMITMENT_BYTES, schedule
from medrec_py.sealing.frame import require_zeros
from medrec_py.sealing.padding import coarse_step

MAGIC: Final = b"MEDKEY"
VERSION: Final = 1
MAX_RECIPIENTS: Final = 255
MAX_EXPANDED: Final = 1 << 26
"""Bytes of JSON in a bundle: room for half a million keys."""

_SEALED_KEY_BYTES: Final = OVERHEAD_BYTES + KEY_BYTES
_FIXED_BYTES: Final = len(MAGIC) + 2
_LENGTH_BYTES: Final = 8


def seal_bundle(bundle: Bundle, context: BundleContext, recipients: Sequence[PublicKey]) -> bytes:
    """Seals a bundle.

    Args:
        bundle: What to hand over.
        context: What it is bound to.
        recipients: 1 to 255 public keys, in any order; who stands there twice counts once.

    Raises:
        InvalidInput: No recipient, too many, or a bundle that couldn't be read again.
    """
    distinct = {recipient.data: recipient for recipient in recipients}
    if not 1 <= len(distinct) <= MAX_RECIPIENTS:
        raise InvalidInput(f"A key bundle has 1 to {MAX_RECIPIENTS} recipients, not {len(distinct)}.")
    bound = context.encode(kind_of(bundle))
    document = compress(write_bundle(bundle))
    padded = coarse_step(len(document) + _LENGTH_BYTES)
    content = document.ljust(padded - _LENGTH_BYTES, b"\0") + len(document).to_bytes(_LENGTH_BYTES, "big")

    key = ContentKey.random()
    # To whoever can't open them, sealed keys are random bytes: sorted, their order tells nothing.
    sealed = sorted(recipient.seal(key.reveal(), _info(bound)) for recipient in distinct.values())
    opening = MAGIC + bytes((VERSION, len(sealed))) + b"".join(sealed)
    cipher, commitment = schedule(key, "bundle", opening, bound)
    return opening + commitment + cipher.encrypt(content)


def open_bundle(data: bytes, context: BundleContext, key: ParticipantKey, kind: BundleKind) -> Bundle:
    """Opens a bundle.

    Args:
        data: The object, whose digest was compared with the event's.
        context: What it should be bound to.
        key: A recipient's.
        kind: What it should belong to.

    Raises:
        WrongKey: It isn't sealed to this key, or not for this context and kind; or its header was altered.
        ParcelTampered: It was altered, cut or extended, or is no bundle at all.
        ContentInvalid: It is authentic, but its author put something else into it.
    """
    bound = context.encode(kind)
    opening, commitment, sealed = _parse(data)
    cipher, expected = schedule(_unseal(sealed, bound, key), "bundle", opening, bound)
    if not hmac.compare_digest(expected, commitment):
        raise WrongKey("The header of a key bundle was altered, or its recipients were given different keys.")
    content = memoryview(StreamReader(cipher, data, len(opening) + COMMITMENT_BYTES).read())

    length = int.from_bytes(content[-_LENGTH_BYTES:], "big")
    if len(content) < _LENGTH_BYTES or len(content) != coarse_step(length + _LENGTH_BYTES):
        raise ContentInvalid(f"An opened key bundle of {len(content)} bytes can't hold {length} bytes.")
    require_zeros(content[length:-_LENGTH_BYTES])
    bundle = read_bundle(decompress(content[:length], MAX_EXPANDED))
    if kind_of(bundle) is not kind:
        raise ContentInvalid(f"A key bundle sealed as {kind} says that it is {kind_of(bundle)}.")
    return bundle


def _parse(data: bytes) -> tuple[bytes, bytes, list[bytes]]:
    """The opening, the commitment and the sealed keys."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _FIXED_BYTES:
        raise ParcelTampered("These bytes are not a key bundle of MedRec.", beginning=data[:8])
    version, count = data[len(MAGIC)], data[len(MAGIC) + 1]
    opening_bytes = _FIXED_BYTES + count * _SEALED_KEY_BYTES
    if version != VERSION or not count or len(data) <= opening_bytes + COMMITMENT_BYTES:
        raise ParcelTampered(
            f"A key bundle of version {version} with {count} recipients can't be read from {len(data)} bytes.",
            hint="If its digest is right, a newer version of this software wrote it: update.",
            version=version,
        )
    sealed = [
        data[start : start + _SEALED_KEY_BYTES] for start in range(_FIXED_BYTES, opening_bytes, _SEALED_KEY_BYTES)
    ]
    return data[:opening_bytes], data[opening_bytes : opening_bytes + COMMITMENT_BYTES], sealed


def _unseal(sealed: list[bytes], bound: bytes, key: ParticipantKey) -> ContentKey:
    for one in sealed:
        try:
            return ContentKey(key.open(one, _info(bound)))
        except WrongKey:
            continue
    raise WrongKey(
        f"None of the {len(sealed)} sealed keys of a bundle opens with the key {key.public_key!r} here.",
        hint="It is meant for others, or belongs to another subject, contract or chain.",
    )


def _info(bound: bytes) -> bytes:
    return label("bundle key") + bound
