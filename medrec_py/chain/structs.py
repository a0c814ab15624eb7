"""Grants as the contracts see them: the EIP-712 hashes that are their ids, and the tuples that are sent."""

from __future__ import annotations

from typing import Any, Final

from medrec_py.chain.hashing import keccak, require_address
from medrec_py.errors import InvalidInput
from medrec_py.types.terms import MESSAGE_TYPES, PresentedGrant, Request, Terms


def _encode_type(*names: str) -> bytes:
    """EIP-712 `encodeType` of the first type; the others are those it refers to, in alphabetical order."""
    return "".join(
        f"{name}({','.join(f'{kind} {field}' for field, kind in MESSAGE_TYPES[name])})" for name in names
    ).encode()


_TERMS_TYPEHASH: Final = keccak(_encode_type("Terms"))
_GRANT_TYPEHASH: Final = keccak(_encode_type("Grant", "Terms"))


def terms_hash(terms: Terms) -> bytes:
    """EIP-712 struct hash of terms; equals `MedRec.hashTerms`."""
    words = [_word(value) for value in terms_tuple(terms)]
    return keccak(_TERMS_TYPEHASH + b"".join(words))


def grant_id(subject: str, grantor: str, viewer: str, bundle: bytes, hashed_terms: bytes) -> bytes:
    """Id of a grant; equals `MedRec.grantId`. `hashed_terms` is what `terms_hash` gives."""
    for name, value in (("bundle", bundle), ("terms hash", hashed_terms)):
        if len(value) != 32:
            raise InvalidInput(f"The {name} of a grant has {len(value)} bytes, not 32.", length=len(value))
    people = [_word(require_address(address)) for address in (subject, grantor, viewer)]
    return keccak(_GRANT_TYPEHASH + b"".join([*people, bundle, hashed_terms]))


def presented_grant_id(subject: str, grant: PresentedGrant) -> bytes:
    """Id of a grant as it is presented."""
    return grant_id(subject, grant.grantor, grant.viewer, grant.bundle, terms_hash(grant.terms))


def terms_tuple(terms: Terms) -> tuple[Any, ...]:
    """The fields of Solidity's `Terms`, which carries the statement's hash where EIP-712 has the statement."""
    return (
        require_address(terms.agent),
        terms.classes,
        terms.purposes,
        int(terms.operations),
        terms.starts_at,
        terms.expires_at,
        terms.records_from,
        terms.records_until,
        terms.delegations,
        terms.parent,
        require_address(terms.condition),
        terms.vocabulary,
        keccak(terms.statement.encode()),
        terms.salt,
    )


def presented_tuple(grant: PresentedGrant) -> tuple[Any, ...]:
    """The fields of Solidity's `PresentedGrant`."""
    return (require_address(grant.grantor), require_address(grant.viewer), grant.bundle, terms_tuple(grant.terms))


def request_tuple(request: Request) -> tuple[Any, ...]:
    """The fields of Solidity's `Request`."""
    return (
        require_address(request.subject),
        require_address(request.viewer),
        require_address(request.agent),
        request.record_class,
        request.purpose,
        int(request.operation),
        request.date,
    )


def _word(value: str | bytes | int) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    return (bytes.fromhex(value[2:]) if isinstance(value, str) else value).rjust(32, b"\0")
