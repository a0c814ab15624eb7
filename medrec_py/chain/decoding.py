"""Raw logs as events, by the fixed layouts that Solidity gives them: many times faster than a general ABI decoder.

Each event has one small function that slices the log's topics and data. Solidity encodes every event in one canonical
way, so lengths, offsets and padding are checked to be just that, and anything else is refused: it did not come from
the contracts that are shipped here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from medrec_py.chain.hashing import checksum_hex, keccak
from medrec_py.errors import ChainInconsistent
from medrec_py.types import events
from medrec_py.types.events import Event, LoggedEvent

RawLog: TypeAlias = Mapping[str, Any]
"""A log as `eth_getLogs` gives it: `address`, `topics`, `data`, `blockNumber`, `blockHash`, ... in 0x-hex."""

_Decoder: TypeAlias = Callable[[list[str], bytes], Event]

LOCATOR_BYTES: Final = 16


class _Malformed(Exception):
    pass


def decode_log(log: RawLog) -> LoggedEvent | None:
    """The event of one log; None for the few that say nothing about patients (a new authority of the registrar).

    Raises:
        ChainInconsistent: The contracts shipped here emit no such log.
    """
    try:
        topics = log["topics"]
        decoder = _DECODERS[topics[0]]
        if decoder is None:
            return None
        return LoggedEvent(
            int(log["blockNumber"], 16),
            bytes.fromhex(log["blockHash"][2:]),
            int(log["logIndex"], 16),
            bytes.fromhex(log["transactionHash"][2:]),
            checksum_hex(log["address"][2:].lower()),
            decoder(topics, bytes.fromhex(log["data"][2:])),
        )
    except (_Malformed, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise ChainInconsistent(
            "A contract of the deployment emitted what the contracts shipped here never do.",
            log={name: str(log.get(name)) for name in ("address", "blockNumber", "logIndex", "transactionHash")}
            if isinstance(log, Mapping)
            else str(log),
        ) from error


def decode_logs(logs: Iterable[RawLog], contracts: Collection[str]) -> list[LoggedEvent]:
    """The events of those logs that `contracts` (EIP-55 addresses) emitted, in the order of the logs."""
    emitters = {address.lower() for address in contracts}
    try:
        decoded = [decode_log(log) for log in logs if log["address"].lower() in emitters]
    except (KeyError, TypeError, AttributeError) as error:
        raise ChainInconsistent("The chain's server gave a log that is none.") from error
    return [event for event in decoded if event is not None]


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ADDRESS_PADDING: Final = "0x" + "0" * 24


def _address(topic: str) -> str:
    if topic[:26] != _ADDRESS_PADDING or len(topic) != 66:
        raise _Malformed
    return checksum_hex(topic[26:].lower())


def _word(topic: str) -> bytes:
    word = bytes.fromhex(topic[2:])
    if len(word) != 32:
        raise _Malformed
    return word


def _uint(word: bytes, size: int) -> int:
    number = int.from_bytes(word, "big")
    if len(word) != 32 or number >> 8 * size:
        raise _Malformed
    return number


def _require(topics: list[str], count: int, data: bytes, length: int) -> None:
    if len(topics) != count or len(data) != length:
        raise _Malformed


def _tail(data: bytes, at: int, length: int) -> bytes:
    """A `bytes` value whose length word stands at `at` and which ends the data, padded with zeros to whole words."""
    end = at + 32 + length
    if len(data) != at + 32 + (length + 31) // 32 * 32 or any(data[end:]):
        raise _Malformed
    return data[at + 32 : end]


# ── events of Registrar ──────────────────────────────────────────────────────────────────────────────────────────────


def _registered(topics: list[str], data: bytes) -> Event:
    if len(topics) != 2 or _uint(data[32:64], 8) != 96:
        raise _Malformed
    public_key = _tail(data, 96, _uint(data[96:128], 8))
    return events.Registered(_address(topics[1]), data[:32], public_key, data[64:96])


def _accredited(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 96)
    return events.Accredited(_address(topics[1]), _uint(data[:32], 8), _uint(data[32:64], 8), data[64:])


def _accreditation_withdrawn(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 0)
    return events.AccreditationWithdrawn(_address(topics[1]))


def _vocabulary_published(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 0)
    return events.VocabularyPublished(_word(topics[1]))


# ── events of MedRec ─────────────────────────────────────────────────────────────────────────────────────────────────


def _relationship_opened(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 64)
    return events.RelationshipOpened(_address(topics[1]), _address(topics[2]), _uint(data[:32], 4), data[32:])


def _relationship_closed(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 64)
    by = _address("0x" + data[32:].hex())
    return events.RelationshipClosed(_address(topics[1]), _address(topics[2]), _uint(data[:32], 4), by)


@lru_cache(maxsize=1024)
def _anchored_layout(count: int) -> tuple[bytes, bytes]:
    """The words that Solidity puts before the digests, and before the locators, of an event of `count` parcels."""
    offsets = (96, 128 + 32 * count, count)
    return b"".join(word.to_bytes(32, "big") for word in offsets), (LOCATOR_BYTES * count).to_bytes(32, "big")


def _anchored(topics: list[str], data: bytes) -> Event:
    count = int.from_bytes(data[124:128], "big")
    end = 128 + 32 * count
    if len(topics) != 3 or (data[32:128], data[end : end + 32]) != _anchored_layout(count):
        raise _Malformed
    locators = _tail(data, end, LOCATOR_BYTES * count)
    return events.Anchored(
        _address(topics[1]),
        _address(topics[2]),
        _uint(data[:32], 8),
        tuple([data[at : at + 32] for at in range(128, end, 32)]),
        tuple([locators[at : at + LOCATOR_BYTES] for at in range(0, len(locators), LOCATOR_BYTES)]),
    )


def _parcel_anchored(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 96)
    if any(data[64 + LOCATOR_BYTES :]):
        raise _Malformed
    locator = data[64 : 64 + LOCATOR_BYTES]
    return events.Anchored(_address(topics[1]), _address(topics[2]), _uint(data[:32], 8), (data[32:64],), (locator,))


def _retracted(topics: list[str], data: bytes) -> Event:
    _require(topics, 4, data, 64)
    return events.Retracted(_address(topics[1]), _address(topics[2]), _uint(data[:32], 8), _word(topics[3]), data[32:])


def _batch_anchored(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 128)
    return events.BatchAnchored(_address(topics[1]), _uint(data[:32], 8), data[32:64], data[64:96], _uint(data[96:], 4))


def _granted(topics: list[str], data: bytes) -> Event:
    _require(topics, 4, data, 96)
    return events.Granted(
        _address(topics[1]), _address(topics[2]), _address(topics[3]), data[:32], data[32:64], data[64:]
    )


def _grant_revoked(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 0)
    return events.GrantRevoked(_address(topics[1]), _word(topics[2]))


def _grant_renounced(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 0)
    return events.GrantRenounced(_address(topics[1]), _word(topics[2]))


def _grant_suspended(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 32)
    return events.GrantSuspended(_address(topics[1]), _word(topics[2]), _uint(data, 4))


def _grant_resumed(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 32)
    return events.GrantResumed(_address(topics[1]), _word(topics[2]), _uint(data, 4))


def _agent_revoked(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 0)
    return events.AgentRevoked(_address(topics[1]), _word(topics[2]))


def _receipts_committed(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 64)
    epoch = _uint(_word(topics[2]), 8)
    return events.ReceiptsCommitted(_address(topics[1]), epoch, data[:32], _uint(data[32:], 4))


def _delegate_named(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 64)
    return events.DelegateNamed(_address(topics[1]), _address(topics[2]), _uint(data[:32], 8), _uint(data[32:], 4))


def _delegate_dismissed(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 64)
    by = _address("0x" + data[:32].hex())
    return events.DelegateDismissed(_address(topics[1]), _address(topics[2]), by, _uint(data[32:], 4))


# ── events of Guardianship and Emergency ─────────────────────────────────────────────────────────────────────────────


def _plan_set(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 160)
    return events.PlanSet(
        _address(topics[1]),
        data[:32],
        _uint(data[32:64], 4),
        _uint(data[64:96], 4),
        data[96:128],
        _uint(data[128:], 4),
    )


def _life_sign_given(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 64)
    return events.LifeSignGiven(_address(topics[1]), _uint(data[:32], 8), _uint(data[32:], 4))


def _recovery_announced(topics: list[str], data: bytes) -> Event:
    _require(topics, 4, data, 32)
    return events.RecoveryAnnounced(_address(topics[1]), _address(topics[2]), _address(topics[3]), _uint(data, 8))


def _share_released(topics: list[str], data: bytes) -> Event:
    _require(topics, 4, data, 32)
    return events.ShareReleased(_address(topics[1]), _address(topics[2]), _address(topics[3]), data)


def _emergency_prepared(topics: list[str], data: bytes) -> Event:
    _require(topics, 2, data, 96)
    return events.EmergencyPrepared(_address(topics[1]), data[:32], data[32:64], _uint(data[64:], 4))


def _emergency_declared(topics: list[str], data: bytes) -> Event:
    _require(topics, 3, data, 128)
    return events.EmergencyDeclared(
        _address(topics[1]),
        _address(topics[2]),
        data[:32],
        _uint(data[32:64], 8),
        _uint(data[64:96], 8),
        data[96:],
    )


def _key_released(topics: list[str], data: bytes) -> Event:
    _require(topics, 4, data, 64)
    return events.KeyReleased(_address(topics[1]), _address(topics[2]), _address(topics[3]), data[:32], data[32:])


SIGNATURES: Final[Mapping[str, _Decoder | None]] = {
    "Registered(address,bytes32,bytes,bytes32)": _registered,
    "Accredited(address,uint64,uint64,bytes32)": _accredited,
    "AccreditationWithdrawn(address)": _accreditation_withdrawn,
    "VocabularyPublished(bytes32)": _vocabulary_published,
    "RelationshipOpened(address,address,uint32,bytes32)": _relationship_opened,
    "RelationshipClosed(address,address,uint32,address)": _relationship_closed,
    "Anchored(address,address,uint64,bytes32[],bytes)": _anchored,
    "ParcelAnchored(address,address,uint64,bytes32,bytes16)": _parcel_anchored,
    "Retracted(address,address,uint64,bytes32,bytes32)": _retracted,
    "BatchAnchored(address,uint64,bytes32,bytes32,uint32)": _batch_anchored,
    "Granted(address,address,address,bytes32,bytes32,bytes32)": _granted,
    "GrantRevoked(address,bytes32)": _grant_revoked,
    "GrantRenounced(address,bytes32)": _grant_renounced,
    "GrantSuspended(address,bytes32,uint32)": _grant_suspended,
    "GrantResumed(address,bytes32,uint32)": _grant_resumed,
    "AgentRevoked(address,bytes32)": _agent_revoked,
    "ReceiptsCommitted(address,uint64,bytes32,uint32)": _receipts_committed,
    "DelegateNamed(address,address,uint64,uint32)": _delegate_named,
    "DelegateDismissed(address,address,address,uint32)": _delegate_dismissed,
    "PlanSet(address,bytes32,uint32,uint32,bytes32,uint32)": _plan_set,
    "LifeSignGiven(address,uint64,uint32)": _life_sign_given,
    "RecoveryAnnounced(address,address,address,uint64)": _recovery_announced,
    "ShareReleased(address,address,address,bytes32)": _share_released,
    "EmergencyPrepared(address,bytes32,bytes32,uint32)": _emergency_prepared,
    "EmergencyDeclared(address,address,bytes32,uint64,uint64,bytes32)": _emergency_declared,
    "KeyReleased(address,address,address,bytes32,bytes32)": _key_released,
    # OpenZeppelin's; they change no record, grant or relationship.
    "AuthorityUpdated(address)": None,
    "EIP712DomainChanged()": None,
}
"""Every event that the deployment's contracts can emit, with what decodes it."""

_DECODERS: Final[Mapping[str, _Decoder | None]] = {
    "0x" + keccak(signature.encode()).hex(): decoder for signature, decoder in SIGNATURES.items()
}
