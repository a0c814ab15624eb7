"""From one wallet signature to every other key of a person, by HKDF (RFC 5869) with SHA-256.

Each step has a label of its own, and every variable part a fixed width, so that no two steps can ever ask for the same
output.
"""

from __future__ import annotations

from typing import Final

from medrec_py.crypto.keytree import Node
from medrec_py.crypto.secret import CaseKey, ParticipantSeed, RootKey

SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order n of the group (SEC 2, version 2, section 2.4.1)."""


def root_from_signature(signature: bytes) -> RootKey:
    """The root, from the wallet's signature over the deployment's unlocking message.

    Args:
        signature: What the wallet returned; of a 65-byte ECDSA signature only r and the lower of the two possible s
            count, because wallets write v as 0/1 or 27/28 for the same signature.

    Raises:
        InvalidInput: Fewer than 64 bytes.
    """
    raise NotImplementedError


def root_from_signatures(first: bytes, second: bytes) -> RootKey:
    """The root, if two signatures over the same message agree.

    Raises:
        UnsteadyWallet: The wallet signs differently each time; use `RootKey.random()` and keep a backup of it.
    """
    raise NotImplementedError


def case_key(root: RootKey, index: int) -> CaseKey:
    """Case key `index` (0 to 2^32 - 1): a secp256k1 private key, uniform to within 2^-128 (FIPS 186-5, A.2.1)."""
    raise NotImplementedError


def participant_seed(root: RootKey, address: str) -> ParticipantSeed:
    """Seed of the X-Wing key with which `address` receives; one for each address, so that keys link no two of them."""
    raise NotImplementedError


def relationship_node(root: RootKey, subject: str, provider: str, number: int) -> Node:
    """The top of the key tree of one relationship; the patient's own records have `provider` = `subject`, number 0."""
    raise NotImplementedError
