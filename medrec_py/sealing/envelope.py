"""The clear header of a sealed object, and the keys that go with it.

    magic `MEDREC` (6) ‖ version (1) ‖ suite (1) ‖ salt (32) ‖ [suite 2: sealed key (1,175)] ‖ commitment (32) ‖ stream

From the content key, HKDF-Expand draws for this very header and context the stream's key, the prefix of its nonces and
the commitment. The commitment ties the object to one key: AES-GCM alone would let an author craft an object that opens
to one thing under one key and to another under another (Albertini et al., "How to Abuse and Fix Authenticated
Encryption Without Key Commitment", USENIX Security 2022). It also tells a wrong key from an altered object.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from medrec_py.crypto.encoding import label
from medrec_py.crypto.hpke import OVERHEAD_BYTES, ParticipantKey, PublicKey
from medrec_py.crypto.secret import KEY_BYTES, CompartmentKey, ContentKey
from medrec_py.crypto.stream import PREFIX_BYTES, StreamCipher
from medrec_py.errors import ContentInvalid, InvalidInput, ParcelTampered, WrongKey
from medrec_py.sealing.context import COMPARTMENT_BYTES, Context, Place, decode_compartment, encode_compartment

MAGIC: Final = b"MEDREC"
VERSION: Final = 1
SALT_BYTES: Final = 32
COMMITMENT_BYTES: Final = 32
SEALED_KEY_BYTES: Final = OVERHEAD_BYTES + KEY_BYTES + COMPARTMENT_BYTES
_FIXED_BYTES: Final = len(MAGIC) + 2 + SALT_BYTES
MAX_HEADER_BYTES: Final = _FIXED_BYTES + SEALED_KEY_BYTES + COMMITMENT_BYTES


class Suite(IntEnum):
    """Where an object's content key comes from."""

    COMPARTMENT = 1
    """From the compartment key."""
    SUBJECT = 2
    """Random, sealed in the header to the subject's public key: while a re-key is pending."""
    EXCERPT = 3
    """Random, handed over in a key bundle: re-sealed for one grant."""


_SUITES: Final = frozenset(Suite)
_CONTENT: Final = label("content")
_STREAM: Final = {kind: label("stream " + kind) for kind in ("parcel", "bundle")}


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an object, read but not yet believed.

    Attributes:
        suite: Where the content key comes from.
        salt: 32 random bytes.
        sealed_key: Suite 2: content key and compartment, sealed to the subject; else empty.
        commitment: 32 bytes that only the right content key in the right context makes.
    """

    suite: Suite
    salt: bytes
    sealed_key: bytes
    commitment: bytes

    @property
    def size(self) -> int:
        """Bytes of the header; the stream begins behind them."""
        return _FIXED_BYTES + len(self.sealed_key) + COMMITMENT_BYTES

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Reads the header at the beginning of `data`, of which `MAX_HEADER_BYTES` suffice.

        Raises:
            ParcelTampered: It is none.
        """
        if data[: len(MAGIC)] != MAGIC or len(data) < _FIXED_BYTES + COMMITMENT_BYTES:
            raise ParcelTampered("These bytes are not a sealed object of MedRec.", beginning=data[:8])
        version, suite = data[len(MAGIC)], data[len(MAGIC) + 1]
        if version != VERSION or suite not in _SUITES:
            raise ParcelTampered(
                f"A sealed object of version {version} and suite {suite} is unknown here.",
                hint="If its digest is right, a newer version of this software wrote it: update.",
                version=version,
                suite=suite,
            )
        key_end = _FIXED_BYTES + (SEALED_KEY_BYTES if suite == Suite.SUBJECT else 0)
        if len(data) < key_end + COMMITMENT_BYTES:
            raise ParcelTampered(f"A sealed object was cut within its header, after {len(data)} bytes.")
        salt = data[_FIXED_BYTES - SALT_BYTES : _FIXED_BYTES]
        return cls(Suite(suite), salt, data[_FIXED_BYTES:key_end], data[key_end : key_end + COMMITMENT_BYTES])


def content_key(compartment: CompartmentKey, salt: bytes, bound: bytes) -> ContentKey:
    """Suite 1: HKDF(compartment key, salt, info = context), where `bound` is the context's encoding."""
    return ContentKey(HKDF(SHA256(), KEY_BYTES, salt, _CONTENT + bound).derive(compartment.reveal()))


def seal_key_to_subject(key: ContentKey, salt: bytes, context: Context, recipient: PublicKey) -> bytes:
    """Suite 2: the content key and its compartment, sealed to the subject; 1,175 bytes.

    The compartment goes along because a subject finds such an object by its mailbox key, which doesn't tell it.
    """
    compartment = encode_compartment(context.class_number, context.period, context.epoch)
    return recipient.seal(key.reveal() + compartment, _subject_info(salt, context.place))


def open_key_as_subject(header: Header, place: Place, key: ParticipantKey) -> tuple[ContentKey, Context]:
    """Suite 2: the content key and the context that the author sealed for.

    Raises:
        WrongKey: Not sealed to this key at this place.
        ContentInvalid: The author named no compartment that there is.
    """
    opened = key.open(header.sealed_key, _subject_info(header.salt, place))
    class_number, period, epoch = decode_compartment(opened[KEY_BYTES:])
    try:
        encode_compartment(class_number, period, epoch)
    except InvalidInput as error:
        raise ContentInvalid(f"A parcel is sealed for no compartment that there is: {error.message}") from None
    return ContentKey(opened[:KEY_BYTES]), place.context(class_number, period, epoch)


def begin(suite: Suite, salt: bytes, sealed_key: bytes, key: ContentKey, bound: bytes) -> tuple[bytes, StreamCipher]:
    """The header's bytes and the cipher of a new object; `bound` is its context's encoding."""
    opening = MAGIC + bytes((VERSION, suite)) + salt + sealed_key
    cipher, commitment = schedule(key, "parcel", opening, bound)
    return opening + commitment, cipher


def resume(header: Header, key: ContentKey, context: Context, bound: bytes) -> StreamCipher:
    """The cipher of an object that is to be opened; `bound` is the context's encoding.

    Raises:
        WrongKey: Key, context and header don't belong together.
    """
    opening = MAGIC + bytes((VERSION, header.suite)) + header.salt + header.sealed_key
    cipher, commitment = schedule(key, "parcel", opening, bound)
    if not hmac.compare_digest(commitment, header.commitment):
        raise WrongKey(
            f"The object wasn't sealed with this key for subject {context.subject}, author {context.author}, class "
            f"{context.class_number}, period {context.period}, epoch {context.epoch}; or its header was altered.",
            class_number=context.class_number,
            period=context.period,
            epoch=context.epoch,
        )
    return cipher


def schedule(key: ContentKey, kind: str, opening: bytes, bound: bytes) -> tuple[StreamCipher, bytes]:
    """Cipher and commitment of one object.

    Args:
        key: Its content key.
        kind: What sort of object it is.
        opening: Its header up to the commitment.
        bound: The encoding of its context, of a width fixed by `kind`.
    """
    info = _STREAM[kind] + hashlib.sha256(opening).digest() + bound
    drawn = HKDFExpand(SHA256(), KEY_BYTES + PREFIX_BYTES + COMMITMENT_BYTES, info).derive(key.reveal())
    prefix_end = KEY_BYTES + PREFIX_BYTES
    return StreamCipher(drawn[:KEY_BYTES], drawn[KEY_BYTES:prefix_end]), drawn[prefix_end:]


def _subject_info(salt: bytes, place: Place) -> bytes:
    return label("content to subject") + salt + place.encode()
