"""The public objects that hold the sealed shares of a plan, as canonical JSON.

    {"kind": "shares", "shares": [hex, …]}                                          of guardians
    {"kind": "custody", "custodians_key": hex, "emergency_key": hex, "public_key": hex, "shares": [hex, …]}

A share is a whole key bundle with one recipient. All of one object have the same length and stand in random order: from
outside one sees how many there are, and not whose. Among a plan's shares is one bundle that is sealed to its owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from medrec_py.crypto.hpke import PublicKey
from medrec_py.errors import ContentInvalid, InvalidInput
from medrec_py.sealing.custody import MAX_GUARDIANS
from medrec_py.sealing.fields import Fields, read_hex
from medrec_py.types.json_values import JsonObject, canonical, parse

MAX_SHARES: Final = MAX_GUARDIANS + 1
MAX_OBJECT_BYTES: Final = 1 << 21
"""Seventeen bundles of 32 KiB in hexadecimal, and room."""


_RECIPIENTS_AT: Final = 7
"""Where a key bundle says how many recipients it has."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The sealed shares of guardians."""

    sealed: tuple[bytes, ...]

    def encode(self) -> bytes:
        """As canonical JSON."""
        return canonical({"kind": "shares", "shares": [one.hex() for one in self.sealed]})

    @classmethod
    def parse(cls, data: bytes) -> Shares:
        """Reads what `encode` wrote.

        Raises:
            ContentInvalid: Anything else.
        """
        fields = _fields(data, "shares")
        shares = cls(_read_shares(fields))
        fields.done()
        return shares


@dataclass(frozen=True, slots=True)
class Custody:
    """What an emergency is prepared with.

    Attributes:
        public_key: The subject's, so that whoever declares an emergency can seal to it.
        emergency_key: To which the patient's grant is sealed; the custodians hold shares of its seed.
        custodians_key: Whose seed every custodian has, so that a reason can be sealed to them without naming them.
        sealed: The sealed shares.
    """

    public_key: PublicKey
    emergency_key: PublicKey
    custodians_key: PublicKey
    sealed: tuple[bytes, ...]

    def encode(self) -> bytes:
        """As canonical JSON."""
        document: JsonObject = {
            "kind": "custody",
            "public_key": self.public_key.data.hex(),
            "emergency_key": self.emergency_key.data.hex(),
            "custodians_key": self.custodians_key.data.hex(),
            "shares": [one.hex() for one in self.sealed],
        }
        return canonical(document)

    @classmethod
    def parse(cls, data: bytes) -> Custody:
        """Reads what `encode` wrote.

        Raises:
            ContentInvalid: Anything else.
        """
        fields = _fields(data, "custody")
        try:
            custody = cls(
                PublicKey(fields.hex("public_key", None)),
                PublicKey(fields.hex("emergency_key", None)),
                PublicKey(fields.hex("custodians_key", None)),
                _read_shares(fields),
            )
        except InvalidInput as error:
            raise ContentInvalid(f"A custody object holds a key that is none: {error.message}") from None
        fields.done()
        return custody


def has_one_recipient(sealed: bytes) -> bool:
    """Whether a sealed share has the one recipient that it should have.

    Whoever looks through other people's objects tries each recipient of a bundle: one with many would keep it busy.
    """
    return sealed[_RECIPIENTS_AT : _RECIPIENTS_AT + 1] == b"\1"


def shuffled(sealed: Sequence[bytes]) -> tuple[bytes, ...]:
    """Sealed shares in random order, so that their places tell nothing.

    Raises:
        InvalidInput: None, too many, or of different lengths.
    """
    if not 1 <= len(sealed) <= MAX_SHARES or len({len(one) for one in sealed}) != 1:
        raise InvalidInput(f"{len(sealed)} sealed shares should be 1 to {MAX_SHARES}, all of one length.")
    order = list(sealed)
    secrets.SystemRandom().shuffle(order)
    return tuple(order)


def _fields(data: bytes, kind: str) -> Fields:
    try:
        fields = Fields.of(parse(data, source="An object with shares"), "an object with shares")
    except InvalidInput as error:
        raise ContentInvalid(f"An object with shares can't be read: {error.message}") from None
    if fields.text("kind") != kind:
        raise ContentInvalid(f"An object with shares is not of the kind {kind}.")
    return fields


def _read_shares(fields: Fields) -> tuple[bytes, ...]:
    sealed = tuple(read_hex(one, None) for one in fields.array("shares"))
    if not 1 <= len(sealed) <= MAX_SHARES or len({len(one) for one in sealed}) != 1:
        raise ContentInvalid(f"{len(sealed)} sealed shares should be 1 to {MAX_SHARES}, all of one length.")
    return sealed
