"""Parcels: records or a blob, sealed into one object; and what has to be proved before one is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final, Self

from medrec_py.crypto.hpke import ParticipantKey, PublicKey
from medrec_py.crypto.secret import CompartmentKey, ContentKey
from medrec_py.sealing.context import Context, Place
from medrec_py.types.json_values import JsonObject

MAX_EXPANDED: Final = 1 << 30
"""Bytes that the records of one parcel may decompress to unless told otherwise."""

SealingKey = CompartmentKey | ContentKey | PublicKey
OpeningKey = CompartmentKey | ContentKey | ParticipantKey


class Suite(IntEnum):
    """Where an object's content key comes from."""

    COMPARTMENT = 1
    """From the compartment key."""
    SUBJECT = 2
    """Random, sealed in the header to the subject's public key: while a re-key is pending."""
    EXCERPT = 3
    """Random, handed over in a key bundle: re-sealed for one grant."""


class Kind(IntEnum):
    """What a parcel holds."""

    RECORDS = 1
    BLOB = 2


@dataclass(frozen=True, slots=True)
class SealedParcel:
    """A sealed object, ready for the store.

    Attributes:
        data: The object.
        context: What it is bound to; needed to open it.
        content_key: Opens this object alone (with the context); what a grant hands over for an excerpt.
    """

    data: bytes
    context: Context
    content_key: ContentKey


@dataclass(frozen=True, slots=True)
class SealedBlob:
    """A sealed object that was written to a file.

    Attributes:
        size: Bytes written.
        content_size: Bytes of the blob itself.
    """

    size: int
    content_size: int
    context: Context
    content_key: ContentKey


class FetchedParcel:
    """An object whose bytes are those that the ledger committed to. Made by `verify` or `from_verifying_reader` only."""

    @classmethod
    def verify(cls, source: bytes | BinaryIO, digest: bytes, *, digest_of: Callable[[bytes | BinaryIO], bytes]) -> Self:
        """Computes the digest of all bytes and compares.

        Args:
            source: The object, or a seekable file of it (read once from its start, in pieces).
            digest: 32 bytes, from the ledger.
            digest_of: How the store computes it (the CID's digest).

        Raises:
            ParcelTampered: Another digest; names both.
        """
        raise NotImplementedError

    @classmethod
    def from_verifying_reader(cls, reader: BinaryIO, digest: bytes) -> Self:
        """For a seekable file that itself checks every block it returns against `digest`, as `Store.open` does."""
        raise NotImplementedError

    @property
    def digest(self) -> bytes:
        """The ledger's digest."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Bytes of the object."""
        raise NotImplementedError

    @property
    def suite(self) -> Suite:
        """Which key opens it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class OpenedRecords:
    """Records, as they were sealed."""

    context: Context
    content_key: ContentKey
    resources: tuple[JsonObject, ...]


class OpenedBlob:
    """A blob, read piece by piece; its length is authentic from the start, each piece when it is returned."""

    context: Context
    content_key: ContentKey
    content_type: str
    name: str
    size: int

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """The bytes `start` to `start + length`, cut at the end; only the chunks that hold them are touched."""
        raise NotImplementedError

    def chunks(self) -> Iterator[bytes]:
        """All of it in pieces of at most 1 MiB, each authentic when it comes."""
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Writes it to `path`, whole or not at all (through a file beside it that is renamed)."""
        raise NotImplementedError


OpenedParcel = OpenedRecords | OpenedBlob


def seal_records(resources: Sequence[JsonObject], context: Context, key: SealingKey) -> SealedParcel:
    """Seals records of one class and period: canonical NDJSON → zstd → padding → AES-256-GCM.

    Args:
        resources: JSON objects, in the order in which they come back.
        context: What the object is bound to.
        key: The compartment's key; or the subject's public key while a re-key is pending; or `ContentKey.random()`
            for a parcel re-sealed for a grant.

    Raises:
        InvalidInput: Something in `resources` is not a JSON object.
    """
    raise NotImplementedError


def seal_blob(
    source: BinaryIO, destination: BinaryIO, context: Context, key: SealingKey, *, content_type: str, name: str = ""
) -> SealedBlob:
    """Seals a file of any kind and size, in bounded memory; ranges of it can be read later.

    Args:
        source: Read to its end.
        destination: Written from where it stands.
        context: What the object is bound to.
        key: As in `seal_records`.
        content_type: Media type, at most 255 bytes; sealed with it.
        name: What to call it, at most 1,024 bytes; sealed with it.
    """
    raise NotImplementedError


def open_parcel(
    fetched: FetchedParcel, context: Context, key: OpeningKey, *, max_expanded: int = MAX_EXPANDED
) -> OpenedParcel:
    """Opens a parcel.

    Args:
        fetched: The object, known to be the ledger's.
        context: What it was sealed for.
        key: The compartment's key, the object's own, or the subject's key pair, as its suite asks for.
        max_expanded: Bytes that records may decompress to.

    Raises:
        WrongKey: Key and context are not those it was sealed with.
        ParcelTampered: Bytes were altered, cut, added or moved after it was sealed.
        ContentInvalid: It is authentic, but its author put something else than records or a blob into it.
    """
    raise NotImplementedError


def pending_context(fetched: FetchedParcel, place: Place, key: ParticipantKey) -> Context:
    """The compartment of a parcel that was sealed to the subject's public key, as its author wrote it in.

    Raises:
        WrongKey: It is not sealed to this key at this place.
    """
    raise NotImplementedError
