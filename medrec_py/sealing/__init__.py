"""Sealing: records into objects that anybody may hold and nobody may read, and the proofs that go with them."""

from medrec_py.sealing.batch import BatchLeaf, Manifest, ManifestEntry, make_manifest, verify_proof
from medrec_py.sealing.bundle import open_bundle, seal_bundle
from medrec_py.sealing.context import BundleContext, BundleKind, Context, Place
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

__all__ = [
    "LOCATOR_BYTES",
    "BatchLeaf",
    "Bundle",
    "BundleContext",
    "BundleKind",
    "Context",
    "Excerpt",
    "FetchedParcel",
    "GrantBundle",
    "Kind",
    "Manifest",
    "ManifestEntry",
    "OpenedBlob",
    "OpenedParcel",
    "OpenedRecords",
    "Place",
    "RekeyBundle",
    "RelationshipBundle",
    "RelationshipKeys",
    "SealedBlob",
    "SealedParcel",
    "Suite",
    "batch_blind",
    "make_locators",
    "make_manifest",
    "match_locators",
    "open_bundle",
    "open_parcel",
    "pending_context",
    "seal_blob",
    "seal_bundle",
    "seal_records",
    "verify_proof",
]
