"""Who takes part in the tests of sealing, and an author who seals what no honest one would."""

import hashlib
import os
from typing import BinaryIO

from medrec_py.crypto import (
    CompartmentKey,
    ContentKey,
    ParticipantKey,
    RootKey,
    leaf_for,
    participant_seed,
    relationship_node,
)
from medrec_py.sealing import Context, FetchedParcel, Suite
from medrec_py.sealing.envelope import begin, content_key
from medrec_py.sealing.frame import head, tail

PATIENT = "0x" + "11" * 20
PROVIDER = "0x" + "22" * 20
CONTRACT = "0x" + "33" * 20
VIEWER = "0x" + "44" * 20
CONTEXT = Context(31337, CONTRACT, PATIENT, PROVIDER, 3, 2024, 1)

ROOT = RootKey(bytes(range(32)))
TOP = relationship_node(ROOT, PATIENT, PROVIDER, 1)
PATIENT_KEY = ParticipantKey.from_seed(participant_seed(ROOT, PATIENT))
VIEWER_KEY = ParticipantKey.from_seed(participant_seed(RootKey(bytes(32)), VIEWER))
STRANGER_KEY = ParticipantKey.from_seed(participant_seed(RootKey(bytes(32)), PROVIDER))


def compartment_key(context: Context = CONTEXT) -> CompartmentKey:
    """The key of a context's compartment."""
    key = leaf_for([TOP], context.epoch, context.class_number, context.period)
    assert key is not None
    return key


def digest_of(source: bytes | BinaryIO) -> bytes:
    """As a store computes it for an object of one block."""
    return hashlib.sha256(source if isinstance(source, bytes) else source.read()).digest()


def fetch(data: bytes) -> FetchedParcel:
    """An object that the ledger commits to, whatever it is."""
    return FetchedParcel.verify(data, digest_of(data), digest_of=digest_of)


def seal_content(content: bytes, context: Context = CONTEXT) -> bytes:
    """A parcel that is authentic and whose author put any bytes into it."""
    salt, bound = os.urandom(32), context.encode()
    opening, cipher = begin(Suite.COMPARTMENT, salt, b"", content_key(compartment_key(context), salt, bound), bound)
    return opening + cipher.encrypt(content)


def framed(
    kind: int, body: bytes, description: bytes = b"", *, hidden: bytes = b"", length: int | None = None
) -> bytes:
    """A frame with whatever its author wants in padding and length."""
    opening = bytes((kind,)) + head(1, description)[1:]  # type: ignore[arg-type]
    zeros, written = tail(len(opening) + len(body), len(body) if length is None else length)
    return opening + body + hidden.ljust(zeros, b"\0") + written


__all__ = [
    "CONTEXT",
    "CONTRACT",
    "PATIENT",
    "PATIENT_KEY",
    "PROVIDER",
    "ROOT",
    "STRANGER_KEY",
    "TOP",
    "VIEWER",
    "VIEWER_KEY",
    "ContentKey",
    "compartment_key",
    "digest_of",
    "fetch",
    "framed",
    "seal_content",
]
