"""From one wallet signature to every other key of a person, by HKDF (RFC 5869) with SHA-256.

The root comes by HKDF-Extract and -Expand from the signature, which isn't uniform; all below it by HKDF-Expand alone,
since the root is (RFC 5869, section 3.3). Each step has a label of its own, and every variable part a fixed width, so
that no two steps can ever ask for the same output.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from medrec_py.crypto.encoding import address, label, number
from medrec_py.crypto.keytree import Node, Path
from medrec_py.crypto.secret import KEY_BYTES, CaseKey, NodeKey, ParticipantSeed, RootKey
from medrec_py.errors import InvalidInput, UnsteadyWallet

SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order n of the group (SEC 2, version 2, section 2.4.1)."""

_SCALAR_BYTES: Final = 48  # 128 bits beyond the order: the remainder is uniform to within 2^-128
_SIGNATURE_BYTES: Final = 65
_SHORTEST_SIGNATURE: Final = 64  # less can't hold 256 bits of unpredictability


def root_from_signature(signature: bytes) -> RootKey:
    """The root, from the wallet's signature over the deployment's unlocking message.

    Args:
        signature: What the wallet returned. Of a 65-byte ECDSA signature only r and the lower of the two possible s
            count, because wallets write v as 0/1 or 27/28, and s either way, for the same signature.

    Raises:
        InvalidInput: Fewer than 64 bytes.
    """
    if len(signature) < _SHORTEST_SIGNATURE:
        raise InvalidInput(
            f"A signature of {len(signature)} bytes is too short to make a root key of.",
            hint="Sign the unlocking message with the wallet and hand in what it returns.",
        )
    material = bytes(signature)
    if len(material) == _SIGNATURE_BYTES:
        s = int.from_bytes(material[32:64], "big") % SECP256K1_ORDER
        material = material[:32] + min(s, SECP256K1_ORDER - s).to_bytes(32, "big")
    return RootKey(HKDF(SHA256(), KEY_BYTES, salt=label("root"), info=label("root key")).derive(material))


def root_from_signatures(first: bytes, second: bytes) -> RootKey:
    """The root, if two signatures over the same message agree.

    Raises:
        UnsteadyWallet: The wallet signs differently each time; use `RootKey.random()` and keep a backup of it.
    """
    root = root_from_signature(first)
    if root != root_from_signature(second):
        raise UnsteadyWallet("The wallet made two different signatures over the same message.")
    return root


def case_key(root: RootKey, index: int) -> CaseKey:
    """Case key `index` (0 to 2^32 - 1): a secp256k1 private key in [1, n - 1].

    48 bytes of HKDF output modulo n - 1, plus 1: "extra random bits" of FIPS 186-5, A.2.1, with the expansion length
    of RFC 9380, section 5.3 (128 bits beyond the order).
    """
    return _scalar(root, label("case") + number(index, 4, "The case's index"))


def recovery_key(root: RootKey) -> CaseKey:
    """The secp256k1 private key of the recovery address, made as case keys are.

    Guardians know a patient by this address, which is nothing else: so guardianship ties no case to another.
    """
    return _scalar(root, label("recovery"))


def participant_seed(root: RootKey, participant: str) -> ParticipantSeed:
    """Seed of the X-Wing key with which the address `participant` receives.

    One for each address, so that public keys link no two addresses of a person.
    """
    return ParticipantSeed(_expand(root, label("participant") + address(participant), KEY_BYTES))


def relationship_node(root: RootKey, subject: str, provider: str, number_: int) -> Node:
    """The top of the key tree of one relationship.

    Args:
        root: The patient's.
        subject: The address that stands for the patient.
        provider: The other side; the subject itself for the patient's own records.
        number_: Which relationship of the pair, 0 to 2^32 - 1; 0 for the patient's own records.
    """
    info = label("relationship") + address(subject) + address(provider)
    info += number(number_, 4, "The relationship's number")
    return Node(Path(), NodeKey(_expand(root, info, KEY_BYTES)))


def _scalar(root: RootKey, info: bytes) -> CaseKey:
    wide = int.from_bytes(_expand(root, info, _SCALAR_BYTES), "big")
    return CaseKey((wide % (SECP256K1_ORDER - 1) + 1).to_bytes(KEY_BYTES, "big"))


def _expand(root: RootKey, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, info).derive(root.reveal())
