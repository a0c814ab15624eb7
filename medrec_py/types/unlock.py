"""The one message whose signature unlocks everything a wallet owns here.

A wallet signs it at log-in. The signature never leaves the device: the root key is made of it, and from the root every
other key. The message is bound to one deployment (chain and contract), and says in plain words what signing it does.
"""

from __future__ import annotations

from typing import Final

from medrec_py.types.terms import Domain, TypedData, typed_data

UNLOCK_STATEMENT: Final = (
    "Signing this message unlocks your medical records on this device: whoever holds the signature can read every "
    "record, share it, and close every relationship in your name. Sign it only in your own MedRec application. "
    "Nobody else ever needs it: not a hospital, not a support desk, not a website that asks for it."
)


def unlock_message(domain: Domain, account: str) -> TypedData:
    """The EIP-712 document that `account` signs to make its root key for the deployment `domain`.

    The type is `Unlock(address account,string statement)`; no contract accepts it, so the signature moves nothing.
    """
    return typed_data(domain, "Unlock", {"account": account, "statement": UNLOCK_STATEMENT})
