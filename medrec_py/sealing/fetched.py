"""Proof that an object is the one that the ledger committed to."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, Final, Self

from medrec_py.crypto.stream import StreamCipher, StreamReader, read_into
from medrec_py.errors import InvalidInput, ParcelTampered
from medrec_py.sealing.envelope import MAX_HEADER_BYTES, Header, Suite

DIGEST_BYTES: Final = 32


class FetchedParcel:
    """An object whose bytes are those that the ledger committed to.

    Made by `verify` or `from_verifying_reader` only, so that whoever holds one knows that it was checked.
    """

    __slots__ = ("_digest", "_header", "_size", "_source")

    _digest: bytes
    _header: Header
    _size: int
    _source: bytes | BinaryIO

    def __init__(self) -> None:
        raise TypeError("A FetchedParcel is made by FetchedParcel.verify: its digest has to be checked.")

    @classmethod
    def verify(cls, source: bytes | BinaryIO, digest: bytes, *, digest_of: Callable[[bytes | BinaryIO], bytes]) -> Self:
        """Computes the digest of all bytes and compares.

        Args:
            source: The object, or a seekable file of it (read once from its start).
            digest: 32 bytes, from the ledger.
            digest_of: How the store computes it: the digest of the object's CID.

        Raises:
            ParcelTampered: Another digest, or no sealed object; names both digests.
        """
        if not isinstance(source, bytes):
            source.seek(0)
        actual = digest_of(source)
        if actual != digest:
            raise ParcelTampered(
                f"The object has the digest {actual.hex()}, the ledger says {digest.hex()}.",
                expected=digest,
                actual=actual,
            )
        return cls._checked(source, digest)

    @classmethod
    def from_verifying_reader(cls, reader: BinaryIO, digest: bytes) -> Self:
        """For a seekable file that itself checks every block it returns against `digest`, as `Store.open` gives.

        Raises:
            ParcelTampered: No sealed object.
        """
        return cls._checked(reader, digest)

    @classmethod
    def _checked(cls, source: bytes | BinaryIO, digest: bytes) -> Self:
        if len(digest) != DIGEST_BYTES:
            raise InvalidInput(f"A digest has {DIGEST_BYTES} bytes, not {len(digest)}.", digest=digest)
        parcel = object.__new__(cls)
        parcel._source = source
        parcel._digest = digest
        if isinstance(source, bytes):
            parcel._size = len(source)
            parcel._header = Header.parse(source[:MAX_HEADER_BYTES])
        else:
            parcel._size = source.seek(0, io.SEEK_END)
            source.seek(0)
            beginning = memoryview(bytearray(min(MAX_HEADER_BYTES, parcel._size)))
            parcel._header = Header.parse(bytes(beginning[: read_into(source, beginning)]))
        return parcel

    @property
    def digest(self) -> bytes:
        """The ledger's digest."""
        return self._digest

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._size

    @property
    def suite(self) -> Suite:
        """Which key opens it."""
        return self._header.suite

    @property
    def header(self) -> Header:
        """Its clear header."""
        return self._header

    def reader(self, cipher: StreamCipher) -> StreamReader:
        """Its stream, under a cipher that was made for its header.

        Raises:
            ParcelTampered: The stream was cut, extended or altered at its end.
        """
        return StreamReader(cipher, self._source, self._header.size)

    def __repr__(self) -> str:
        return f"<FetchedParcel {self._digest.hex()}: {self._size} bytes, suite {self.suite.name}>"
