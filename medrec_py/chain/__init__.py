"""Everything that talks to an EVM chain; the only package that imports web3."""

from __future__ import annotations

from medrec_py.chain.accounts import Account, as_account, generate_account, load_keyfile
from medrec_py.chain.calls import Call, SignedTransaction, StorageProof, TransactionReceipt
from medrec_py.chain.connection import Chain
from medrec_py.chain.contracts import (
    Accreditation,
    Delegation,
    GrantState,
    MedRecContract,
    RegistrarContract,
    Relationship,
    delegated,
    ledger_head_slot,
)
from medrec_py.chain.custody import (
    Declaration,
    EmergencyContract,
    GuardianPlan,
    GuardianshipContract,
    Preparation,
)
from medrec_py.chain.deploy import DeploymentReport, deploy, predicted_addresses
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.embedded import EmbeddedChain
from medrec_py.chain.hashing import require_address
from medrec_py.chain.structs import grant_id, presented_grant_id, terms_hash

__all__ = [
    "Account",
    "Accreditation",
    "Call",
    "Chain",
    "Declaration",
    "Delegation",
    "Deployment",
    "DeploymentReport",
    "EmbeddedChain",
    "EmergencyContract",
    "GrantState",
    "GuardianPlan",
    "GuardianshipContract",
    "MedRecContract",
    "Preparation",
    "RegistrarContract",
    "Relationship",
    "SignedTransaction",
    "StorageProof",
    "TransactionReceipt",
    "as_account",
    "delegated",
    "deploy",
    "generate_account",
    "grant_id",
    "ledger_head_slot",
    "load_keyfile",
    "predicted_addresses",
    "presented_grant_id",
    "require_address",
    "terms_hash",
]
