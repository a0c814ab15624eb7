"""Sealing to a participant: HPKE (RFC 9180, base mode) with X-Wing, HKDF-SHA256 and AES-256-GCM.

X-Wing (draft-connolly-cfrg-xwing-kem) joins ML-KEM-768 and X25519: what is sealed today stays sealed as long as either
of the two holds. A sealed message is `encapsulation (1,120 bytes) ‖ ciphertext ‖ tag (16 bytes)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from medrec_py.crypto.secret import ParticipantSeed

PUBLIC_KEY_BYTES: Final = 1216
ENCAPSULATION_BYTES: Final = 1120
OVERHEAD_BYTES: Final = ENCAPSULATION_BYTES + 16


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An X-Wing public key: ML-KEM-768 (1,184 bytes) ‖ X25519 (32 bytes).

    Raises:
        InvalidKey: Another length, or not an encoding that ML-KEM accepts.
    """

    data: bytes

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Seals `plaintext` so that only the private key opens it, and only under the same `info`."""
        raise NotImplementedError


class ParticipantKey:
    """An X-Wing key pair."""

    @classmethod
    def from_seed(cls, seed: ParticipantSeed) -> Self:
        """The pair of a 32-byte seed: SHAKE256(seed, 96 bytes) = ML-KEM seed (64) ‖ X25519 private key (32)."""
        raise NotImplementedError

    @property
    def public_key(self) -> PublicKey:
        """The half to publish."""
        raise NotImplementedError

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """The plaintext.

        Raises:
            WrongKey: Sealed to another key, under another `info`, or altered (HPKE can't tell these apart).
        """
        raise NotImplementedError
