"""What a viewer received: its grants, and the keys that came with each and with every re-key since."""

from __future__ import annotations

from medrec_py.client.anchors import in_ledger
from medrec_py.client.context import Context
from medrec_py.client.grants import GrantBook, OpenedGrant, of_consequence
from medrec_py.client.holdings import Held, Holdings
from medrec_py.client.relationship_keys import newest_epochs
from medrec_py.client.results import Fault
from medrec_py.crypto import Node, ParticipantKey
from medrec_py.errors import IntegrityError, InvalidInput
from medrec_py.sealing import BundleKind, GrantBundle, RekeyBundle, match_locators, open_bundle


class Received:
    """The grants of one viewer and what came with them.

    Args:
        context: The network.
        key: The viewer's key pair.
        address: The viewer.
    """

    def __init__(self, context: Context, key: ParticipantKey, address: str) -> None:
        self._context = context
        self._key = key
        self._address = address
        self._book = GrantBook(context, key)
        self._held: dict[tuple[bytes, ...], Holdings] = {}

    def grants(self, subject: str | None = None, id: bytes | None = None) -> list[OpenedGrant]:
        """The grants to this viewer and by it: all, those about a subject, or the one with an id."""
        index = self._context.index
        if id is not None:
            one = index.grant(id)
            items = [] if one is None or self._address not in (one.viewer, one.grantor) else [one]
        else:
            items = index.grants(subject=subject, viewer=self._address)
            items += [item for item in index.grants(subject=subject, grantor=self._address) if item not in items]
        # Whoever can't have had anything to pass on is not asked for a bundle, which may be anywhere or nowhere.
        about = {item.subject for item in items if item.grantor != item.subject}
        passed_on = {item.id for one in about for item in of_consequence(index.grants(subject=one), one)}
        return self._book.open_all(item for item in items if item.grantor == item.subject or item.id in passed_on)

    def holdings(self, opened: OpenedGrant) -> Holdings:
        """What came with a grant, and with every re-key since; neither ever changes."""
        digests = self._rekey_digests(opened)
        known = (opened.grant.id, *digests)
        if known in self._held:
            return self._held[known]
        holdings = self._open(opened, digests)
        if not holdings.faults:
            self._held[known] = holdings
        return holdings

    def _open(self, opened: OpenedGrant, digests: list[bytes]) -> Holdings:
        faults: list[Fault] = []
        nodes: dict[tuple[str, int], list[Node]] = {}
        bundles: list[GrantBundle | RekeyBundle] = [opened.bundle, *self._rekeys(opened, digests, faults)]
        for bundle in bundles:
            for keys in bundle.keys:
                nodes.setdefault((keys.provider, keys.number), []).extend(keys.nodes)
        held = tuple(
            Held(provider, number, tuple(held), newest_epochs(held)) for (provider, number), held in nodes.items()
        )
        excerpts = tuple(excerpt for bundle in bundles for excerpt in bundle.excerpts)
        return Holdings(opened.grant.subject, held, excerpts, faults=tuple(faults))

    def _rekey_digests(self, opened: OpenedGrant) -> list[bytes]:
        context, grant = self._context, opened.grant
        mailbox = opened.bundle.mailbox_key
        if mailbox is None or grant.viewer != self._address:
            return []
        entries = in_ledger(context.ledger(grant.subject), grant.subject)
        found = match_locators([entry.locator for entry in entries], [mailbox])
        return [entries[at].digest for at in sorted(found)]

    def _rekeys(self, opened: OpenedGrant, digests: list[bytes], faults: list[Fault]) -> list[RekeyBundle]:
        context = self._context
        bundle_context = context.bundle_context(opened.grant.subject)
        bundles: list[RekeyBundle] = []
        for digest, data in zip(digests, context.fetch(digests), strict=True):
            try:
                if not isinstance(data, bytes):
                    raise data
                bundle = open_bundle(data, bundle_context, self._key, BundleKind.REKEY)
            except (IntegrityError, InvalidInput) as error:
                faults.append(Fault.of("unreadable keys", digest, error))
                continue
            assert isinstance(bundle, RekeyBundle)
            bundles.append(bundle)
        return bundles
