"""Records of the patient's own making: sealed under a tree of their own, anchored by the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medrec_py.chain import Call, TransactionReceipt
from medrec_py.client.acts import Actor
from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.client.results import Publication, records_by_class
from medrec_py.crypto import CompartmentKey, derive
from medrec_py.crypto import Path as KeyPath
from medrec_py.errors import InvalidInput
from medrec_py.fhir import RecordSet, lots
from medrec_py.outbox import Parcel
from medrec_py.outbox import Publication as Journalled
from medrec_py.sealing import make_locators, seal_records
from medrec_py.storage.unixfs import digest_of
from medrec_py.types.events import Anchored, Event


@dataclass(frozen=True, slots=True)
class OwnCourier:
    """Signs what the patient publishes, and has it brought to the chain; what the outbox asks for.

    Attributes:
        actor: The patient's address that keeps the records.
    """

    actor: Actor

    @property
    def address(self) -> str:
        """Who signs."""
        return self.actor.address

    def renew(self, expects: Sequence[Event]) -> tuple[Call, ...]:
        """Signs the same anchoring for the ledger's head of this moment."""
        return tuple(
            self.actor.signed_anchor(event.subject, event.digests, event.locators)
            for event in expects
            if isinstance(event, Anchored)
        )

    def bring(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Has it relayed, or sends it where the patient sends its own transactions by now."""
        return self.actor.submit(*calls)


def publish_own(context: Context, case: Case, records: RecordSet, *, key: str | None = None) -> Publication:
    """Seals and anchors records of the patient's own, whose keys are up to date, through the outbox.

    Args:
        context: The network.
        case: The address that keeps them.
        records: The records.
        key: A name for this publication: repeated after a crash, it is published once.

    Raises:
        InvalidInput: There are none.
        NoRelayer: Nobody would relay it.
        PublicationPending: Store, chain or relayer did not answer; the outbox has it.
    """
    case.actor.require_sender()
    if not records.records:
        raise InvalidInput("The input holds no resource.", hint="Give a Bundle with entries, or resources.")
    tree = case.trees(context)[0]
    place = context.place(case.subject, case.subject)
    groups = lots(records.records)
    sealed, keys = [], []
    for lot in groups:
        epoch = tree.epochs.get(lot.record_class, 0)
        leaf = derive(tree.node, KeyPath.of_compartment(epoch, lot.record_class, lot.period)).key
        assert isinstance(leaf, CompartmentKey)
        sealed.append(seal_records(list(lot.documents), place.context(lot.record_class, lot.period, epoch), leaf))
        keys.append(leaf)
    locators = make_locators(keys)
    parcels = [
        Parcel(parcel.data, digest_of(parcel.data), locator) for parcel, locator in zip(sealed, locators, strict=True)
    ]
    actor = case.actor
    call = actor.anchor(case.subject, [parcel.digest for parcel in parcels], locators)
    # Publishers who share an outbox may hit on the same name for what they publish.
    name = None if key is None else f"{case.subject}/{key}"
    journalled = Journalled.anchoring(case.subject, case.subject, parcels, call, key=name, relayed=actor.is_relayed)
    receipt = context.outbox.submit(journalled, OwnCourier(actor) if actor.is_relayed else case.account)
    return Publication(
        case.subject,
        len(records.records),
        len(receipt.digests),
        records_by_class(records.records),
        sum(len(lot.content) for lot in groups),
        receipt.stored_bytes,
        False,
        receipt.gas_used,
        receipt.calldata_bytes,
        receipt.transaction_hash,
        receipt.digests,
        records.notices,
    )
