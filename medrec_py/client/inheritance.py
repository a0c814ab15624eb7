"""Handing a wallet's root to the wallet that takes its place, so that a new device needs nothing but the new wallet."""

from __future__ import annotations

from medrec_py.chain import TransactionReceipt
from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.errors import InvalidInput
from medrec_py.sealing import InheritanceBundle, make_locators, seal_bundle


def inherit(context: Context, heir: Case, bundle: InheritanceBundle) -> TransactionReceipt | None:
    """Leaves a root in the mailbox of the heir's own records; a root that lies there already is left at that.

    Args:
        context: The network, in sync.
        heir: The address of the new wallet's own records.
        bundle: What is handed over.

    Raises:
        InvalidInput: The root is the heir's own.
    """
    if bundle.root == heir.root:
        raise InvalidInput("A wallet can't inherit its own root.", hint="Name the root of the other wallet.")
    if any(known.root == bundle.root for known in heir.inheritances(context)):
        return None
    sealed = seal_bundle(bundle, context.bundle_context(heir.subject), [heir.key.public_key])
    digest = context.store.put(sealed).digest
    receipt = heir.actor.submit(heir.actor.anchor(heir.subject, [digest], make_locators([heir.own_mailbox])))
    context.sync()
    return receipt
