"""Fixed-width encodings of what keys are bound to.

Every variable part that enters a key derivation has a fixed width (numbers big-endian, addresses 20 bytes), so that two
different inputs can never be written as the same bytes.
"""

from __future__ import annotations

from typing import Final

from medrec_py.errors import InvalidInput

ADDRESS_BYTES: Final = 20
PROTOCOL: Final = b"medrec/1 "
"""Begins every label of this version of the protocol."""


def label(name: str) -> bytes:
    """The label of a derivation step: `medrec/1 NAME`, closed by a NUL so that no label begins another."""
    return PROTOCOL + name.encode("ascii") + b"\0"


def number(value: int, size: int, name: str) -> bytes:
    """`value` as `size` bytes, big-endian.

    Raises:
        InvalidInput: It is no integer, negative, or doesn't fit; the message calls it `name`.
    """
    if type(value) is not int or not 0 <= value < 1 << (8 * size):
        raise InvalidInput(f"{name} must be a number from 0 to 2^{8 * size} - 1, not {value!r}.")
    return value.to_bytes(size, "big")


def address(text: str) -> bytes:
    """The 20 bytes of an address.

    Args:
        text: `0x` and 40 hexadecimal digits; any mix of cases, since other layers check EIP-55.

    Raises:
        InvalidInput: Anything else.
    """
    if not isinstance(text, str) or len(text) != 2 + 2 * ADDRESS_BYTES or not text.startswith("0x"):
        raise InvalidInput(f"{text!r} is not an address.", hint="An address is 0x and 40 hexadecimal digits.")
    try:
        # bytes.fromhex skips blanks, which would let a shorter address pass.
        data = bytes.fromhex(text[2:])
    except ValueError:
        data = b""
    if len(data) != ADDRESS_BYTES:
        raise InvalidInput(f"{text!r} is not an address.", hint="An address is 0x and 40 hexadecimal digits.")
    return data
