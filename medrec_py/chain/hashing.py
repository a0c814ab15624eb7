"""Keccak-256 and EIP-55 addresses, fast enough for tens of thousands of events a second."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from eth_hash.auto import keccak as _any_keccak

from medrec_py.errors import InvalidInput


def _fastest() -> Callable[[bytes], bytes]:
    # safe-pysha3 (the extra `fast`) takes a sixth of the time of pycryptodome, which eth_hash prefers; any will do.
    try:
        from sha3 import keccak_256
    except ImportError:
        return lambda data: bytes(_any_keccak(data))
    return lambda data: bytes(keccak_256(data).digest())


keccak: Final = _fastest()
"""Keccak-256 of bytes: 32 bytes."""


def _cased(mark: int) -> tuple[str, ...]:
    """The two digits of each byte, as capitals where the high bits of the two halves of `mark` say so."""
    pairs = [f"{value:02x}" for value in range(256)]
    high = [pair[0].upper() if mark & 0x80 else pair[0] for pair in pairs]
    low = [pair[1].upper() if mark & 0x08 else pair[1] for pair in pairs]
    return tuple(map(str.__add__, high, low))


_FOUR_WAYS: Final = {mark: _cased(mark) for mark in (0x00, 0x08, 0x80, 0x88)}
_CASES: Final = tuple(_FOUR_WAYS[mark & 0x88] for mark in range(256))


@lru_cache(maxsize=1 << 16)
def checksum_hex(digits: str) -> str:
    """The EIP-55 form of an address given as 40 lower-case hexadecimal digits."""
    marks = keccak(digits.encode())
    return "0x" + "".join([_CASES[mark][value] for mark, value in zip(marks, bytes.fromhex(digits), strict=False)])


def checksum(address: bytes) -> str:
    """The EIP-55 form of an address given as 20 bytes."""
    return checksum_hex(address.hex())


def require_address(address: str) -> str:
    """The EIP-55 form of an address given in hexadecimal.

    Raises:
        InvalidInput: It has another form, or its capitals don't fit: a digit was mistyped.
    """
    digits = address[2:] if isinstance(address, str) and address[:2] in ("0x", "0X") else ""
    if len(digits) != 40 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise InvalidInput(f"{address!r} is no address: 0x and 40 hexadecimal digits.", address=address)
    proper = checksum_hex(digits.lower())
    if digits not in (proper[2:], digits.lower(), digits.upper()):
        raise InvalidInput(f"{address} has capitals that don't fit (EIP-55); a digit is wrong.", address=address)
    return proper
