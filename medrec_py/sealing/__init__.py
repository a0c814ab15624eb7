"""Sealing: records into objects that anybody may hold and nobody may read, and the proofs that go with them."""

from medrec_py.sealing.batch import BatchLeaf, Manifest, ManifestEntry, make_manifest
from medrec_py.sealing.bundle import open_bundle, seal_bundle
from medrec_py.sealing.context import BundleContext, BundleKind, Context, Place
from medrec_py.sealing.custody import (
    Appointed,
    InheritanceBundle,
    PlanBundle,
    Reason,
    ReasonBundle,
    ShareBundle,
    SuccessionBundle,
    guardian_leaf,
)
from medrec_py.sealing.documents import (
    Bundle,
    Excerpt,
    GrantBundle,
    RekeyBundle,
    RelationshipBundle,
    RelationshipKeys,
)
from medrec_py.sealing.envelope import Suite
from medrec_py.sealing.fetched import FetchedParcel
from medrec_py.sealing.frame import Kind
from medrec_py.sealing.locator import LOCATOR_BYTES, batch_blind, make_locators, match_locators
from medrec_py.sealing.merkle import proof_in, tree_over, verify_proof
from medrec_py.sealing.parcel import (
    OpenedBlob,
    OpenedParcel,
    OpenedRecords,
    SealedBlob,
    SealedParcel,
    open_parcel,
    pending_context,
    seal_blob,
    seal_records,
)
from medrec_py.sealing.shares import Custody, Shares, shuffled

__all__ = [
    "LOCATOR_BYTES",
    "Appointed",
    "BatchLeaf",
    "Bundle",
    "BundleContext",
    "BundleKind",
    "Context",
    "Custody",
    "Excerpt",
    "FetchedParcel",
    "GrantBundle",
    "InheritanceBundle",
    "Kind",
    "Manifest",
    "ManifestEntry",
    "OpenedBlob",
    "OpenedParcel",
    "OpenedRecords",
    "Place",
    "PlanBundle",
    "Reason",
    "ReasonBundle",
    "RekeyBundle",
    "RelationshipBundle",
    "RelationshipKeys",
    "SealedBlob",
    "SealedParcel",
    "ShareBundle",
    "Shares",
    "SuccessionBundle",
    "Suite",
    "batch_blind",
    "guardian_leaf",
    "make_locators",
    "make_manifest",
    "match_locators",
    "open_bundle",
    "open_parcel",
    "pending_context",
    "proof_in",
    "seal_blob",
    "seal_bundle",
    "seal_records",
    "shuffled",
    "tree_over",
    "verify_proof",
]
