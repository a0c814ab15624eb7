"""Parcels: records or a blob, sealed into one object; and what has to be proved before one is opened.

A proof is a type here: `open_parcel` takes only a `FetchedParcel`, whose bytes are those that the ledger committed to,
and gives an `OpenedParcel`, whose content is authentic.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, TypeAlias

from medrec_py.crypto.hpke import ParticipantKey, PublicKey
from medrec_py.crypto.secret import CompartmentKey, ContentKey
from medrec_py.crypto.stream import CHUNK_BYTES, StreamCipher, StreamEncryptor, StreamReader, read_into
from medrec_py.errors import ContentTooLarge, InvalidInput, InvalidKey, WrongKey
from medrec_py.sealing import canonical
from medrec_py.sealing.context import Context, Place
from medrec_py.sealing.envelope import (
    SALT_BYTES,
    Header,
    Suite,
    begin,
    content_key,
    open_key_as_subject,
    resume,
    seal_key_to_subject,
)
from medrec_py.sealing.fetched import FetchedParcel
from medrec_py.sealing.frame import Frame, Kind, describe, head, read_frame, require_zeros, tail, wrap
from medrec_py.types.json_values import JsonObject

SealingKey: TypeAlias = CompartmentKey | ContentKey | PublicKey
"""A compartment's key; a fresh `ContentKey` for an excerpt; the subject's public key while a re-key is pending."""

OpeningKey: TypeAlias = CompartmentKey | ContentKey | ParticipantKey
"""A compartment's key; the object's own key; the subject's key pair."""


# ── seal ──


@dataclass(frozen=True, slots=True)
class SealedParcel:
    """A sealed object, ready for the store.

    Attributes:
        data: The object.
        context: What it is bound to; needed to open it.
        content_key: Opens this object alone (with the context); what a grant hands over for an excerpt.
    """

    data: bytes = field(repr=False)
    context: Context
    content_key: ContentKey


@dataclass(frozen=True, slots=True)
class SealedBlob:
    """A sealed object that was written to a file.

    Attributes:
        size: Bytes of the object.
        content_size: Bytes of the blob in it.
        context: What it is bound to; needed to open it.
        content_key: Opens this object alone (with the context).
    """

    size: int
    content_size: int
    context: Context
    content_key: ContentKey


def seal_records(resources: Sequence[JsonObject], context: Context, key: SealingKey) -> SealedParcel:
    """Seals records of one class and period: canonical NDJSON → zstd → padding → AES-256-GCM.

    Args:
        resources: At least one JSON object, in the order in which they come back.
        context: What the object is bound to.
        key: The compartment's key; or the subject's public key while a re-key is pending; or `ContentKey.random()`
            for a parcel re-sealed for a grant.

    Raises:
        InvalidInput: Something in `resources` is not a JSON object; the context has no such class, period or epoch.
        InputTooLarge: More than `canonical.MAX_EXPANDED` bytes or `canonical.MAX_VALUES` values.
    """
    frame = wrap(Kind.RECORDS, canonical.compress(canonical.write_records(resources)))
    opening, cipher, own_key = _begin(context, key)
    return SealedParcel(opening + cipher.encrypt(frame), context, own_key)


def seal_blob(
    source: BinaryIO, destination: BinaryIO, context: Context, key: SealingKey, *, content_type: str, name: str = ""
) -> SealedBlob:
    """Seals a file of any kind and size, in bounded memory; ranges of it can be read later.

    Args:
        source: Read from where it stands to its end.
        destination: Written from where it stands.
        context: What the object is bound to.
        key: As in `seal_records`.
        content_type: Media type, at most 255 bytes; sealed with it.
        name: What to call it, at most 1,024 bytes; sealed with it.

    Raises:
        InvalidInput: Content type or name are too long; the context has no such class, period or epoch.
    """
    start = head(Kind.BLOB, describe(content_type, name))
    opening, cipher, own_key = _begin(context, key)
    destination.write(opening)
    encryptor = StreamEncryptor(cipher, destination)
    encryptor.write(start)
    buffer = memoryview(bytearray(CHUNK_BYTES))
    content_size = 0
    while got := read_into(source, buffer):
        encryptor.write(buffer[:got])
        content_size += got
    zeros, length = tail(len(start) + content_size, content_size)
    buffer[:] = bytes(CHUNK_BYTES)
    while zeros:
        piece = min(zeros, CHUNK_BYTES)
        encryptor.write(buffer[:piece])
        zeros -= piece
    encryptor.write(length)
    encryptor.close()
    return SealedBlob(len(opening) + encryptor.ciphertext_bytes, content_size, context, own_key)


def _begin(context: Context, key: SealingKey) -> tuple[bytes, StreamCipher, ContentKey]:
    salt = os.urandom(SALT_BYTES)
    bound = context.encode()
    sealed_key = b""
    if isinstance(key, CompartmentKey):
        suite, own_key = Suite.COMPARTMENT, content_key(key, salt, bound)
    elif isinstance(key, PublicKey):
        suite, own_key = Suite.SUBJECT, ContentKey.random()
        sealed_key = seal_key_to_subject(own_key, salt, context, key)
    elif isinstance(key, ContentKey):
        suite, own_key = Suite.EXCERPT, key
    else:
        raise InvalidKey(f"A {type(key).__name__} doesn't seal parcels.")
    opening, cipher = begin(suite, salt, sealed_key, own_key, bound)
    return opening, cipher, own_key


# ── open ──


@dataclass(frozen=True, slots=True)
class OpenedRecords:
    """Records, as they were sealed.

    Attributes:
        context: What they were sealed for.
        content_key: The key of this object alone.
        resources: JSON objects, in their order.
    """

    context: Context
    content_key: ContentKey
    resources: tuple[JsonObject, ...] = field(repr=False)


class OpenedBlob:
    """A blob, read piece by piece: its length is authentic from the start, each piece when it is returned.

    Attributes:
        context: What it was sealed for.
        content_key: The key of this object alone.
        content_type: Its media type, as its author gave it.
        name: What its author calls it, possibly empty; never a path to be trusted.
        size: Bytes of the blob.
    """

    __slots__ = ("_frame", "_reader", "content_key", "content_type", "context", "name", "size")

    def __init__(self, context: Context, key: ContentKey, frame: Frame, reader: StreamReader) -> None:
        self.context = context
        self.content_key = key
        self.content_type = frame.content_type
        self.name = frame.name
        self.size = frame.body_bytes
        self._frame = frame
        self._reader = reader

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """The bytes `start` to `start + length`, cut at the end; only the chunks that hold them are touched.

        Raises:
            ParcelTampered: One of these chunks isn't authentic; nothing is returned then.
        """
        start, length = self._cut(start, length)
        return self._reader.read(self._frame.body_start + start, length)

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[memoryview]:
        """The same in pieces of at most 1 MiB, each authentic when it comes and good until the next is asked for."""
        start, length = self._cut(start, length)
        return self._reader.pieces(self._frame.body_start + start, length)

    def save(self, path: Path) -> None:
        """Writes it to `path`, whole or not at all: into a file beside it, which takes its name when all is proved.

        Raises:
            ParcelTampered: A chunk isn't authentic; `path` is as it was.
            ContentInvalid: Something hides in the padding; likewise.
        """
        descriptor, beside = mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with open(descriptor, "wb") as file:
                for piece in self.pieces():
                    file.write(piece)
                self._check_padding()
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise

    def _cut(self, start: int, length: int | None) -> tuple[int, int]:
        if start < 0 or (length is not None and length < 0):
            raise InvalidInput(f"A range can't start at {start} and have the length {length}.")
        start = min(start, self.size)
        return start, self.size - start if length is None else min(length, self.size - start)

    def _check_padding(self) -> None:
        start = self._frame.padding_start
        for piece in self._reader.pieces(start, self._reader.size - 8 - start):
            require_zeros(piece)

    def __repr__(self) -> str:
        return f"<OpenedBlob {self.content_type}, {self.size} bytes>"


OpenedParcel: TypeAlias = OpenedRecords | OpenedBlob


def open_parcel(fetched: FetchedParcel, context: Context, key: OpeningKey) -> OpenedParcel:
    """Opens a parcel.

    Args:
        fetched: The object, known to be the ledger's.
        context: What it was sealed for.
        key: The compartment's key, the object's own, or the subject's key pair, as its suite asks for.

    Raises:
        WrongKey: Key and context are not those it was sealed with, or its header was altered.
        ParcelTampered: Bytes were altered, cut, added or moved after it was sealed.
        ContentInvalid: It is authentic, but its author put something else than records or a blob into it.
        ContentTooLarge: Its records would expand beyond `canonical.MAX_EXPANDED` bytes, or hold more than
            `canonical.MAX_VALUES` values; no more memory than that is ever asked for.
    """
    bound = context.encode()
    own_key = _own_key(fetched.header, context, bound, key)
    reader = fetched.reader(resume(fetched.header, own_key, context, bound))
    frame = read_frame(reader)
    if frame.kind is Kind.BLOB:
        return OpenedBlob(context, own_key, frame, reader)
    limit = canonical.MAX_EXPANDED
    if frame.body_bytes > limit + _slack(limit):
        raise ContentTooLarge(
            f"{frame.body_bytes} bytes of compressed records hold more than the {limit} allowed.",
            announced=frame.body_bytes,
            limit=limit,
        )
    content = memoryview(reader.read())
    require_zeros(content[frame.padding_start : -8])
    lines = canonical.decompress(content[frame.body_start : frame.padding_start], limit)
    return OpenedRecords(context, own_key, canonical.read_records(lines))


def _slack(size: int) -> int:
    """Bytes that a zstd frame may be longer than `size` bytes which can't be compressed (`ZSTD_compressBound`)."""
    return (size >> 8) + 1024


def pending_context(fetched: FetchedParcel, place: Place, key: ParticipantKey) -> Context:
    """The context of a parcel that was sealed to the subject's public key, as its author wrote it in.

    Raises:
        WrongKey: It is not sealed to this key at this place.
    """
    if fetched.suite is not Suite.SUBJECT:
        raise WrongKey(f"The object {fetched.digest.hex()} isn't sealed to its subject's public key.")
    return open_key_as_subject(fetched.header, place, key)[1]


def _own_key(header: Header, context: Context, bound: bytes, key: OpeningKey) -> ContentKey:
    if isinstance(key, ContentKey):
        return key
    if isinstance(key, CompartmentKey) and header.suite is Suite.COMPARTMENT:
        return content_key(key, header.salt, bound)
    if isinstance(key, ParticipantKey) and header.suite is Suite.SUBJECT:
        own_key, sealed_for = open_key_as_subject(header, context.place, key)
        # The commitment binds the context too; this only says it in words.
        if sealed_for != context:
            raise WrongKey(f"The object was sealed for {sealed_for.path}, not for {context.path}.")
        return own_key
    needed = {
        Suite.COMPARTMENT: "a compartment's key",
        Suite.SUBJECT: "the subject's key pair",
        Suite.EXCERPT: "its own key",
    }
    raise WrongKey(f"An object of suite {header.suite.name} opens with {needed[header.suite]}, not with {key!r}.")
