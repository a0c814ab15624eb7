"""Content identifiers: CIDv1, sha2-256, codec raw or dag-pb, written in base32.

A CID is four varints and a digest (https://github.com/multiformats/cid): version 1, content codec, hash function
0x12 (sha2-256), digest length 32. All four are below 0x80, so each is one byte and a CID is always 36 bytes.

The chain keeps only the 32-byte digest. Which codec belongs to a digest is found from the block itself, see
`medrec_py.storage.unixfs.codec_of`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from medrec_py.errors import CidInvalid

DIGEST_BYTES: Final = 32
CID_BYTES: Final = 36
_TEXT_CHARS: Final = 59  # 'b' and 36 bytes at 5 bits a character, unpadded
_SHA2_256: Final = 0x12


class Codec(IntEnum):
    """How a block is read, by its number in the multicodec table (https://github.com/multiformats/multicodec)."""

    RAW = 0x55
    DAG_PB = 0x70


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A CIDv1 over sha2-256.

    Attributes:
        codec: `Codec.RAW` for plain bytes (an object of at most one chunk, or a leaf), `Codec.DAG_PB` for a node.
        digest: The sha2-256 digest of the block, 32 bytes: what the chain keeps.

    >>> cid = Cid.of_raw(b"")
    >>> str(cid)
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
    >>> Cid.parse(str(cid)) == cid
    True
    """

    codec: Codec
    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_BYTES:
            raise CidInvalid(f"A digest has {DIGEST_BYTES} bytes, not {len(self.digest)}.", digest=bytes(self.digest))

    @classmethod
    def raw(cls, digest: bytes) -> Self:
        """The CID of a raw block with this 32-byte digest."""
        return cls(Codec.RAW, digest)

    @classmethod
    def dag_pb(cls, digest: bytes) -> Self:
        """The CID of a dag-pb node with this 32-byte digest."""
        return cls(Codec.DAG_PB, digest)

    @classmethod
    def of_raw(cls, block: bytes) -> Self:
        """The CID of `block` as a raw block."""
        return cls(Codec.RAW, hashlib.sha256(block).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a CID from its text.

        Args:
            text: 59 characters, lower case, multibase prefix `b`; a leading `/ipfs/` is dropped.

        Raises:
            CidInvalid: It is anything else, a CIDv0 or another hash function included.
        """
        bare = text.removeprefix("/ipfs/")
        if len(bare) != _TEXT_CHARS or bare[0] != "b" or bare != bare.lower():
            raise CidInvalid(f"{text[:100]!r} is not a CIDv1 in lower-case base32.", cid=text[:100])
        try:
            binary = base64.b32decode(bare[1:].upper() + "=" * 6)
        except (binascii.Error, ValueError):
            raise CidInvalid(f"{text!r} holds characters that are not base32.", cid=text) from None
        cid = cls.from_bytes(binary)
        if str(cid) != bare:  # the 2 bits left over in the last character must be zero: one text per CID
            raise CidInvalid(f"{text!r} is not the canonical text of its CID.", cid=text)
        return cid

    @classmethod
    def from_bytes(cls, binary: bytes) -> Self:
        """Reads a CID from its 36 bytes.

        Raises:
            CidInvalid: Other length, version, codec or hash function.
        """
        if len(binary) != CID_BYTES:
            raise CidInvalid(f"A binary CID has {CID_BYTES} bytes, not {len(binary)}.", cid=binary[:64])
        version, codec, function, length = binary[:4]
        if version != 1 or function != _SHA2_256 or length != DIGEST_BYTES or codec not in (Codec.RAW, Codec.DAG_PB):
            raise CidInvalid(f"The bytes {binary.hex()} are no CIDv1 of sha2-256, raw or dag-pb.", cid=binary)
        return cls(Codec(codec), binary[4:])

    def __bytes__(self) -> bytes:
        """The 36 bytes of the binary form."""
        return bytes((1, self.codec, _SHA2_256, DIGEST_BYTES)) + self.digest

    def __str__(self) -> str:
        """The text: multibase `b`, then lower-case base32 without padding."""
        return "b" + base64.b32encode(bytes(self)).decode("ascii").rstrip("=").lower()

    def __repr__(self) -> str:
        return f"Cid({self})"
