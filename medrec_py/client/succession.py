"""A relationship that goes on at another address of the same patient: what patient and provider each do for it.

The patient leaves the provider a succession in the old relationship's mailbox. The provider opens the new relationship
with the acceptance in it. The first succession that still stands is the one that counts, so that whoever stole the old
wallet can't lead the provider elsewhere afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.crypto import PublicKey
from medrec_py.sealing import SuccessionBundle, seal_bundle

ACCEPTED_FOR_SECONDS = 365 * 86400
"""How long a provider may take to follow."""


def standing(
    context: Context, provider: str, successions: Sequence[SuccessionBundle], *, is_open: bool
) -> SuccessionBundle | None:
    """The succession that counts: the first that was followed, or while the relationship is open can still be.

    Args:
        context: The network.
        provider: Whose relationship.
        successions: Those in its mailbox, in the ledger's order.
        is_open: Whether the old relationship is. Once it is closed, nothing new in its mailbox leads anywhere.
    """
    followed = [one for one in successions if is_followed(context, provider, one)]
    if followed:
        return followed[0]
    now = context.chain.now()
    return next((one for one in successions if is_open and now < one.expires_at), None)


def is_followed(context: Context, provider: str, succession: SuccessionBundle) -> bool:
    """Whether the provider opened the relationship with the successor."""
    relationships = context.index.relationships(subject=succession.successor, provider=provider)
    return any(item.number == succession.number and item.bundle == succession.bundle for item in relationships)


def make_succession(context: Context, successor: Case, provider: str, provider_key: PublicKey) -> SuccessionBundle:
    """Accepts beforehand, for the new address, what the provider will sign.

    Args:
        context: The network.
        successor: The patient's new address.
        provider: Whose relationship goes on there.
        provider_key: The provider's registered key.
    """
    number = context.medrec.relationship_of(successor.subject, provider).number + 1
    bundle = successor.keys_for(provider, number)
    recipients = [provider_key, successor.key.public_key]
    sealed = seal_bundle(bundle, context.bundle_context(successor.subject), recipients)
    digest = context.store.put(sealed).digest
    expires_at = context.chain.now() + ACCEPTED_FOR_SECONDS
    message = {
        "subject": successor.subject,
        "provider": provider,
        "number": number,
        "expiresAt": expires_at,
        "bundle": digest,
    }
    acceptance = successor.actor.sign("Acceptance", message)
    return SuccessionBundle(successor.subject, number, expires_at, digest, acceptance)
