"""Secrets as types of their own: they don't print, hash, pickle, copy into logs or compare in variable time.

The bytes leave a secret by one method, `Secret.reveal`, so that every place that handles raw key bytes can be found by
searching for that word.
"""

from __future__ import annotations

import hmac
import os
from typing import ClassVar, Final, NoReturn, Self, final

from medrec_py.errors import InvalidKey

KEY_BYTES: Final = 32


class Secret:
    """Bytes that must not leak by accident.

    Python can't erase memory, so this guards against accidents (logs, tracebacks, caches, pickles), not against
    somebody who reads the process.

    Args:
        value: Exactly `SIZE` bytes.

    Raises:
        InvalidKey: Another length, or not bytes. The message never holds the value.
    """

    __slots__ = ("__value",)

    SIZE: ClassVar[int] = KEY_BYTES
    """Length in bytes."""

    def __init__(self, value: bytes) -> None:
        if not isinstance(value, bytes):
            raise InvalidKey(f"A {type(self).__name__} is made from bytes, not {type(value).__name__}.")
        if len(value) != self.SIZE:
            raise InvalidKey(f"A {type(self).__name__} has {self.SIZE} bytes, not {len(value)}.", length=len(value))
        self.__value = value

    @classmethod
    def random(cls) -> Self:
        """A fresh one from the operating system's generator."""
        return cls(os.urandom(cls.SIZE))

    @final
    def reveal(self) -> bytes:
        """The bytes themselves; the only way out."""
        return self.__value

    def __eq__(self, other: object) -> bool:
        """Compares in constant time; a secret equals only one of the very same type."""
        if type(other) is not type(self):
            return False
        return hmac.compare_digest(self.__value, other.__value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: secret>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} is never pickled or copied; call reveal() and encrypt the bytes.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class RootKey(Secret):
    """What a wallet's signature unlocks; everything else of one person derives from it."""

    __slots__ = ()


class CaseKey(Secret):
    """A secp256k1 private key, 32 bytes big-endian, in [1, n - 1]."""

    __slots__ = ()


class ParticipantSeed(Secret):
    """The seed of an X-Wing key pair."""

    __slots__ = ()


class NodeKey(Secret):
    """The key of an inner node of a key tree: opens nothing itself, all below it derives from it."""

    __slots__ = ()


class CompartmentKey(Secret):
    """The key of a leaf of a key tree: seals and opens one class and period of one relationship and epoch."""

    __slots__ = ()


class MailboxKey(Secret):
    """Marks the parcels that a provider sealed to the subject itself, for the subject alone to find them."""

    __slots__ = ()


class ContentKey(Secret):
    """The key of one sealed object."""

    __slots__ = ()
