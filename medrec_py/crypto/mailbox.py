"""The key by which a viewer finds what the subject sends it after a grant was made: new keys, chiefly."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from medrec_py.crypto.secret import MailboxKey

_LABEL: Final = b"medrec/1/grant-mailbox"


def grant_mailbox_key(salt: bytes, grant_id: bytes) -> MailboxKey:
    """The mailbox of one grant: HKDF-SHA256 (RFC 5869) of the terms' salt.

    Only those who know the terms can compute it. It marks objects and seals none.

    Args:
        salt: `Terms.salt`, 32 random bytes.
        grant_id: The grant's id, 32 bytes.
    """
    return MailboxKey(HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABEL + grant_id).derive(salt))
