"""Terms of a grant, the grants that are presented for a request, and the EIP-712 messages that people sign.

The typed data here is what a wallet shows; the type strings equal those that the contracts hash (`contracts/core/`).
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum, IntFlag
from typing import Any, Final, TypeAlias

from medrec_py.errors import InvalidInput

ZERO_ADDRESS: Final = "0x" + "00" * 20
ZERO_BYTES32: Final = bytes(32)
NO_EXPIRY: Final = 2**64 - 1
"""`Terms.expires_at` of a grant that does not end by itself."""
NO_FIRST_DATE: Final = 0
"""`Terms.records_from` of a grant without a lower bound."""
NO_LAST_DATE: Final = 99991231
"""`Terms.records_until` of a grant without an upper bound."""

TypedData: TypeAlias = dict[str, Any]


class Operation(IntFlag):
    """What a viewer may do with records: the operation bits of ERC-8356 (draft)."""

    READ = 1
    QUERY = 2
    DERIVE = 4
    EXPORT = 8
    TRAIN = 16


class GrantStatus(IntEnum):
    """State of a grant on chain, numbered as in `contracts/types/Terms.sol`."""

    NONE = 0
    ACTIVE = 1
    SUSPENDED = 2
    REVOKED = 3
    RENOUNCED = 4

    @property
    def is_terminal(self) -> bool:
        """Whether no act can ever change it again."""
        return self in (GrantStatus.REVOKED, GrantStatus.RENOUNCED)


class Refusal(IntEnum):
    """The rule that refuses a request, numbered as in `contracts/types/Terms.sol`; 0 when none does."""

    PERMITTED = 0
    NO_GRANT = 1
    NOT_GRANTED_BY_SUBJECT = 2
    BROKEN_CHAIN = 3
    NOT_DELEGABLE = 4
    NOT_THE_VIEWER = 5
    UNKNOWN = 6
    SUSPENDED = 7
    REVOKED = 8
    RENOUNCED = 9
    NOT_YET_VALID = 10
    EXPIRED = 11
    CLASS = 12
    PURPOSE = 13
    OPERATION = 14
    RECORD_DATE = 15
    AGENT = 16
    AGENT_REVOKED = 17
    CONDITION = 18

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return _REFUSAL_SENTENCES[self]


_REFUSAL_SENTENCES: Final = {
    Refusal.PERMITTED: "Every rule allows it.",
    Refusal.NO_GRANT: "No grant was presented.",
    Refusal.NOT_GRANTED_BY_SUBJECT: "The first grant was not made by the patient.",
    Refusal.BROKEN_CHAIN: "A sub-grant does not follow from the grant before it.",
    Refusal.NOT_DELEGABLE: "The grant may not be passed on this far.",
    Refusal.NOT_THE_VIEWER: "The grant was made to somebody else.",
    Refusal.UNKNOWN: "The chain knows no such grant; its terms or keys differ from what was granted.",
    Refusal.SUSPENDED: "The patient has suspended the grant.",
    Refusal.REVOKED: "The grant was revoked.",
    Refusal.RENOUNCED: "The viewer gave the grant back.",
    Refusal.NOT_YET_VALID: "The grant is not valid yet.",
    Refusal.EXPIRED: "The grant has expired.",
    Refusal.CLASS: "The grant does not cover this class of records.",
    Refusal.PURPOSE: "The grant does not cover this purpose.",
    Refusal.OPERATION: "The grant does not cover this operation.",
    Refusal.RECORD_DATE: "The grant does not cover records of this date.",
    Refusal.AGENT: "The grant names another agent, or none.",
    Refusal.AGENT_REVOKED: "The agent was dismissed.",
    Refusal.CONDITION: "A condition that the grant depends on does not hold.",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything that a grant says; see `contracts/types/Terms.sol` for each field.

    Attributes:
        agent: Address of the software that may act for the viewer; `ZERO_ADDRESS` for none.
        classes: Bit set of record classes, by vocabulary number (0..63).
        purposes: Bit set of purposes of use, by vocabulary number (0..63).
        operations: Bit set of `Operation`.
        starts_at: First Unix second at which the grant permits anything.
        expires_at: First Unix second at which it no longer does; `NO_EXPIRY` for none.
        records_from: First clinical date covered, YYYYMMDD; `NO_FIRST_DATE` for no bound.
        records_until: Last clinical date covered, YYYYMMDD; `NO_LAST_DATE` for no bound.
        delegations: How many further levels of sub-grants the viewer may open.
        parent: Id of the parent grant, 32 bytes; zeros when the subject grants.
        condition: Address of a condition contract; `ZERO_ADDRESS` for none.
        vocabulary: Hash of the table that numbers classes and purposes, 32 bytes.
        statement: The plain sentence for these fields, as `medrec_py.types.statement.render` makes it.
        salt: 32 random bytes.
    """

    agent: str
    classes: int
    purposes: int
    operations: Operation
    starts_at: int
    expires_at: int
    records_from: int
    records_until: int
    delegations: int
    parent: bytes
    condition: str
    vocabulary: bytes
    statement: str
    salt: bytes

    def __post_init__(self) -> None:
        for name, bits in _UINT_BITS.items():
            value = int(getattr(self, name))
            if not 0 <= value < 2**bits:
                raise InvalidInput(f"Terms: {name} is {value}, which is no uint{bits}.", name=name, value=value)
        for name in ("parent", "vocabulary", "salt"):
            if len(getattr(self, name)) != 32:
                raise InvalidInput(f"Terms: {name} has {len(getattr(self, name))} bytes, not 32.", name=name)
        object.__setattr__(self, "operations", Operation(self.operations))

    def with_statement(self, statement: str) -> Terms:
        """The same terms with another sentence."""
        return replace(self, statement=statement)

    def to_message(self) -> dict[str, Any]:
        """The `Terms` of an EIP-712 message, by Solidity field name."""
        return {solidity: getattr(self, name) for name, solidity in _SOLIDITY_NAMES.items()}

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the fields by their Python names; bytes as 0x-hex, large integers as decimal strings."""
        out: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if isinstance(value, bytes):
                out[name] = "0x" + value.hex()
            elif isinstance(value, int) and _UINT_BITS.get(name, 0) > 32:
                out[name] = str(int(value))
            else:
                out[name] = int(value) if isinstance(value, int) else value
        return out

    @classmethod
    def from_json(cls, document: object) -> Terms:
        """The terms of a JSON object made by `to_json`.

        Raises:
            InvalidInput: A field is missing, unknown, or of the wrong form; names it.
        """
        if not isinstance(document, dict):
            raise InvalidInput("Terms are a JSON object.", got=type(document).__name__)
        names = {field.name for field in fields(cls)}
        if unknown := sorted(map(str, set(document) ^ names)):
            raise InvalidInput(f"Terms: field {unknown[0]!r} is missing or unknown.", fields=unknown)
        values: dict[str, Any] = {}
        for name, value in document.items():
            try:
                values[name] = _field_from_json(name, value)
            except (TypeError, ValueError) as error:
                raise InvalidInput(f"Terms: {name} can't be {value!r}.", field=name) from error
        return cls(**values)


def _field_from_json(name: str, value: object) -> object:
    if name in ("parent", "vocabulary", "salt"):
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError(value)
        return bytes.fromhex(value[2:])
    if name in _UINT_BITS:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError(value)
        if isinstance(value, str) and not value.isascii():
            raise ValueError(value)
        return int(value)
    if not isinstance(value, str):
        raise TypeError(value)
    if name in ("agent", "condition") and not _is_address(value):
        raise ValueError(value)
    return value


def _is_address(text: str) -> bool:
    return len(text) == 42 and text.startswith("0x") and all(c in "0123456789abcdefABCDEF" for c in text[2:])


_UINT_BITS: Final = {
    "classes": 64,
    "purposes": 64,
    "operations": 8,
    "starts_at": 64,
    "expires_at": 64,
    "records_from": 32,
    "records_until": 32,
    "delegations": 8,
}

_SOLIDITY_NAMES: Final = {
    "agent": "agent",
    "classes": "classes",
    "purposes": "purposes",
    "operations": "operations",
    "starts_at": "startsAt",
    "expires_at": "expiresAt",
    "records_from": "recordsFrom",
    "records_until": "recordsUntil",
    "delegations": "delegations",
    "parent": "parent",
    "condition": "condition",
    "vocabulary": "vocabulary",
    "statement": "statement",
    "salt": "salt",
}


def new_salt() -> bytes:
    """32 random bytes from the operating system."""
    return secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class PresentedGrant:
    """One link of a chain of grants: who granted, to whom, with which key bundle (32-byte digest), on which terms."""

    grantor: str
    viewer: str
    bundle: bytes
    terms: Terms


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to do with a record of one class and date.

    Attributes:
        subject: Address the record is about.
        viewer: Address of the asker.
        agent: Address of the software that asks for the viewer, or `ZERO_ADDRESS`.
        record_class: Vocabulary number of the class.
        purpose: Vocabulary number of the purpose of use.
        operation: One operation.
        date: Clinical date YYYYMMDD, 0 for an undated record.
    """

    subject: str
    viewer: str
    record_class: int
    purpose: int
    operation: Operation = Operation.READ
    date: int = 0
    agent: str = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Decision:
    """The chain's answer to a request: the rule that refuses, and which of the presented grants breaks it (from 0)."""

    refusal: Refusal
    position: int

    @property
    def permitted(self) -> bool:
        """Whether no rule refuses."""
        return self.refusal is Refusal.PERMITTED


# ------------------------------------------------------------------------------------------------ EIP-712 messages

_TERMS_FIELDS: Final = [
    ("agent", "address"),
    ("classes", "uint64"),
    ("purposes", "uint64"),
    ("operations", "uint8"),
    ("startsAt", "uint64"),
    ("expiresAt", "uint64"),
    ("recordsFrom", "uint32"),
    ("recordsUntil", "uint32"),
    ("delegations", "uint8"),
    ("parent", "bytes32"),
    ("condition", "address"),
    ("vocabulary", "bytes32"),
    ("statement", "string"),
    ("salt", "bytes32"),
]

MESSAGE_TYPES: Final[dict[str, list[tuple[str, str]]]] = {
    "Terms": _TERMS_FIELDS,
    "Grant": [
        ("subject", "address"),
        ("grantor", "address"),
        ("viewer", "address"),
        ("bundle", "bytes32"),
        ("terms", "Terms"),
    ],
    "Revocation": [("actor", "address"), ("id", "bytes32")],
    "Renunciation": [("viewer", "address"), ("id", "bytes32")],
    "Suspension": [("grantor", "address"), ("id", "bytes32"), ("turn", "uint32")],
    "Resumption": [("grantor", "address"), ("id", "bytes32"), ("turn", "uint32")],
    "AgentRevocation": [("actor", "address"), ("id", "bytes32")],
    "Invitation": [("provider", "address"), ("subject", "address"), ("number", "uint32"), ("expiresAt", "uint64")],
    "Acceptance": [
        ("subject", "address"),
        ("provider", "address"),
        ("number", "uint32"),
        ("expiresAt", "uint64"),
        ("bundle", "bytes32"),
    ],
    "Closure": [("subject", "address"), ("provider", "address"), ("number", "uint32")],
    "Anchor": [
        ("subject", "address"),
        ("author", "address"),
        ("head", "bytes32"),
        ("digests", "bytes32[]"),
        ("locators", "bytes"),
    ],
    "Retraction": [
        ("subject", "address"),
        ("author", "address"),
        ("head", "bytes32"),
        ("digest", "bytes32"),
        ("replacement", "bytes32"),
    ],
    "Registration": [
        ("participant", "address"),
        ("previous", "bytes32"),
        ("publicKey", "bytes"),
        ("descriptor", "bytes32"),
    ],
    "Delegation": [("subject", "address"), ("delegate", "address"), ("expiresAt", "uint64"), ("turn", "uint32")],
    "Dismissal": [("subject", "address"), ("delegate", "address"), ("turn", "uint32")],
    "Plan": [
        ("owner", "address"),
        ("guardians", "bytes32"),
        ("silence", "uint32"),
        ("notice", "uint32"),
        ("shares", "bytes32"),
        ("turn", "uint32"),
    ],
    "LifeSign": [("owner", "address"), ("turn", "uint32")],
    "Announcement": [("owner", "address"), ("heir", "address"), ("guardian", "address"), ("turn", "uint32")],
    "EmergencyPlan": [("subject", "address"), ("grant", "bytes32"), ("custody", "bytes32"), ("turn", "uint32")],
    "Unlock": [("account", "address"), ("statement", "string")],
}
"""Fields of every message that is signed, by EIP-712 type name; the contracts verify all but `Unlock`."""


@dataclass(frozen=True, slots=True)
class Domain:
    """EIP-712 domain, version 1: `MedRec`, `MedRec Registrar`, `MedRec Guardianship` or `MedRec Emergency`."""

    name: str
    chain_id: int
    contract: str


def typed_data(domain: Domain, primary_type: str, message: dict[str, Any]) -> TypedData:
    """An EIP-712 document, as `eth_signTypedData_v4` takes it; bytes stay raw bytes.

    Raises:
        InvalidInput: The message's fields are not those of the type.
    """
    expected = [name for name, _ in MESSAGE_TYPES[primary_type]]
    if sorted(message) != sorted(expected):
        raise InvalidInput(f"{primary_type} has the fields {', '.join(expected)}.", got=sorted(message))
    used = [primary_type, *(["Terms"] if primary_type == "Grant" else [])]
    types = {name: [{"name": field, "type": kind} for field, kind in MESSAGE_TYPES[name]] for name in used}
    types["EIP712Domain"] = [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ]
    return {
        "types": types,
        "primaryType": primary_type,
        "domain": {
            "name": domain.name,
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": message,
    }


def grant_message(subject: str, grant: PresentedGrant) -> dict[str, Any]:
    """The EIP-712 `Grant` message of one link."""
    return {
        "subject": subject,
        "grantor": grant.grantor,
        "viewer": grant.viewer,
        "bundle": grant.bundle,
        "terms": grant.terms.to_message(),
    }
