"""Everything that talks to an EVM chain; the only package that imports web3."""

from __future__ import annotations

from medrec_py.chain.accounts import Account, as_account, generate_account, load_keyfile
from medrec_py.chain.calls import Call, SignedTransaction, StorageProof, TransactionReceipt
from medrec_py.chain.connection import Chain
from medrec_py.chain.contracts import (
    Accreditation,
    GrantState,
    MedRecContract,
    RegistrarContract,
    Relationship,
    grant_id,
    presented_grant_id,
    terms_hash,
)
from medrec_py.chain.deploy import DeploymentReport, deploy
from medrec_py.chain.deployment import Deployment
from medrec_py.chain.embedded import EmbeddedChain

__all__ = [
    "Account",
    "Accreditation",
    "Call",
    "Chain",
    "Deployment",
    "DeploymentReport",
    "EmbeddedChain",
    "GrantState",
    "MedRecContract",
    "RegistrarContract",
    "Relationship",
    "SignedTransaction",
    "StorageProof",
    "TransactionReceipt",
    "as_account",
    "deploy",
    "generate_account",
    "grant_id",
    "load_keyfile",
    "presented_grant_id",
    "terms_hash",
]
