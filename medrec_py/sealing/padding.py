"""Padding that hides how long something is: Padmé for objects, coarse steps for key bundles."""

from __future__ import annotations

from typing import Final

SMALLEST_STEP: Final = 1 << 14


def padme(length: int) -> int:
    """The length that `length` bytes are padded to.

    Padmé keeps of a length only its leading bits: of a number with E + 1 bits the last E - S must be zero, where S is
    the number of bits of E. So lengths up to L leak O(log log L) bits, at a price of at most 12 %, falling as they grow
    (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019,
    section 4).

    >>> padme(9), padme(1_000), padme(1_000_000)
    (10, 1024, 1015808)
    """
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def coarse_step(length: int) -> int:
    """The next power of two, at least 16 KiB: for bundles, whose size would else tell how much was granted.

    >>> coarse_step(100), coarse_step(16_384), coarse_step(16_385)
    (16384, 16384, 32768)
    """
    return SMALLEST_STEP if length <= SMALLEST_STEP else 1 << (length - 1).bit_length()
