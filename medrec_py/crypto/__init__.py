"""Keys and ciphers: everything that is secret, composed from the primitives of `cryptography`; no network, no clock."""

from medrec_py.crypto.derivation import (
    case_key,
    participant_seed,
    recovery_key,
    relationship_node,
    root_from_signature,
    root_from_signatures,
)
from medrec_py.crypto.hpke import ParticipantKey, PublicKey
from medrec_py.crypto.keytree import (
    FIRST_YEAR,
    LAST_YEAR,
    UNDATED,
    Compartment,
    Node,
    Path,
    compartments,
    covering_set,
    derive,
    leaf_for,
    mailbox_key,
)
from medrec_py.crypto.secret import (
    CaseKey,
    CompartmentKey,
    ContentKey,
    MailboxKey,
    NodeKey,
    ParticipantSeed,
    RootKey,
    Secret,
)
from medrec_py.crypto.splitting import candidates, split, split_of, threshold_of

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "UNDATED",
    "CaseKey",
    "Compartment",
    "CompartmentKey",
    "ContentKey",
    "MailboxKey",
    "Node",
    "NodeKey",
    "ParticipantKey",
    "ParticipantSeed",
    "Path",
    "PublicKey",
    "RootKey",
    "Secret",
    "candidates",
    "case_key",
    "compartments",
    "covering_set",
    "derive",
    "leaf_for",
    "mailbox_key",
    "participant_seed",
    "recovery_key",
    "relationship_node",
    "root_from_signature",
    "root_from_signatures",
    "split",
    "split_of",
    "threshold_of",
]
