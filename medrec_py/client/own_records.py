"""Records of the patient's own making: sealed under a tree of their own, anchored by the patient."""

from __future__ import annotations

from medrec_py.client.cases import Case
from medrec_py.client.context import Context
from medrec_py.client.results import Publication, records_by_class
from medrec_py.crypto import CompartmentKey, derive
from medrec_py.crypto import Path as KeyPath
from medrec_py.errors import InvalidInput
from medrec_py.fhir import RecordSet, lots
from medrec_py.sealing import make_locators, seal_records


def publish_own(context: Context, case: Case, records: RecordSet) -> Publication:
    """Seals and anchors records of the patient's own, whose keys are up to date.

    Args:
        context: The network.
        case: The address that keeps them.
        records: The records.

    Raises:
        InvalidInput: There are none.
    """
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
    digests = [cid.digest for cid in context.store.put_many([parcel.data for parcel in sealed])]
    receipt = case.actor.submit(case.actor.anchor(case.subject, digests, make_locators(keys)))
    return Publication(
        case.subject,
        len(records.records),
        len(sealed),
        records_by_class(records.records),
        sum(len(lot.content) for lot in groups),
        sum(len(parcel.data) for parcel in sealed),
        False,
        receipt.gas_used,
        receipt.calldata_bytes,
        receipt.hash,
        tuple(digests),
        records.notices,
    )
