"""Sealing to a participant: HKDF-SHA256, AES-256-GCM and X-Wing in HPKE (RFC 9180, base mode, single shot).

X-Wing (draft-connolly-cfrg-xwing-kem) joins ML-KEM-768 and X25519: what is sealed today stays sealed as long as either
of the two holds. A sealed message is `encapsulation (1,120 bytes) ‖ ciphertext ‖ tag (16 bytes)`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from medrec_py.crypto.secret import ParticipantSeed
from medrec_py.errors import InvalidKey, WrongKey

PUBLIC_KEY_BYTES: Final = 1216
ENCAPSULATION_BYTES: Final = 1120
OVERHEAD_BYTES: Final = ENCAPSULATION_BYTES + 16

_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64
_EXPANDED_SEED_BYTES: Final = 96
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes([1]) * 32)
"""Not a secret: it only finds points of low order, with which every exchange fails."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An X-Wing public key.

    Attributes:
        data: ML-KEM-768 public key (1,184 bytes) ‖ X25519 public key (32 bytes).

    Raises:
        InvalidKey: Another length, an encoding that ML-KEM refuses, or an X25519 point of low order.
    """

    data: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes) or len(self.data) != PUBLIC_KEY_BYTES:
            raise InvalidKey(f"A participant's public key has {PUBLIC_KEY_BYTES} bytes.", length=len(self.data))
        try:
            self._load()
            _PROBE.exchange(X25519PublicKey.from_public_bytes(self.data[_MLKEM_PUBLIC_BYTES:]))
        except ValueError:
            raise InvalidKey("These bytes are no X-Wing public key.", public_key=self.data[:32]) from None

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Seals `plaintext` so that only the private key opens it, and only under the same `info`.

        Returns:
            `OVERHEAD_BYTES` more than the plaintext.
        """
        return _SUITE.encrypt(plaintext, self._load(), info)

    def _load(self) -> MLKEM768X25519PublicKey:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.data[:_MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(self.data[_MLKEM_PUBLIC_BYTES:]),
        )

    def __repr__(self) -> str:
        return f"PublicKey({self.data[:8].hex()}…)"


class ParticipantKey:
    """An X-Wing key pair; like a `Secret` it doesn't print, hash or pickle."""

    __slots__ = ("_private", "_public")

    def __init__(self, private: MLKEM768X25519PrivateKey, public: PublicKey) -> None:
        self._private = private
        self._public = public

    @classmethod
    def from_seed(cls, seed: ParticipantSeed) -> Self:
        """The pair of a 32-byte seed.

        SHAKE256(seed, 96 bytes) = ML-KEM seed d ‖ z (64 bytes) ‖ X25519 private key (32 bytes), which is
        `expandDecapsulationKey` of draft-connolly-cfrg-xwing-kem, section 5.2.
        """
        expanded = hashlib.shake_256(seed.reveal()).digest(_EXPANDED_SEED_BYTES)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return cls(MLKEM768X25519PrivateKey(mlkem, x25519), PublicKey(public))

    @property
    def public_key(self) -> PublicKey:
        """The half to publish."""
        return self._public

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """The plaintext.

        Raises:
            WrongKey: Sealed to another key, under another `info`, or altered (HPKE can't tell these apart).
        """
        try:
            return _SUITE.decrypt(sealed, self._private, info)
        except InvalidTag:
            raise WrongKey(
                f"A sealed message of {len(sealed)} bytes doesn't open with the key {self._public!r} here."
            ) from None

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<ParticipantKey of {self._public!r}: secret>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A ParticipantKey is never pickled; keep its seed, encrypted.")
