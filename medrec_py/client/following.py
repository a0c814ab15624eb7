"""Following a patient who goes on at another address: the provider's side of a succession."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from medrec_py.client.relationship_keys import RelationshipKeys
from medrec_py.client.succession import is_followed
from medrec_py.errors import IntegrityError, InvalidInput, NoRelationship
from medrec_py.sealing import SuccessionBundle

if TYPE_CHECKING:
    from medrec_py.client.provider import Provider


def open_successor(provider: Provider, succession: SuccessionBundle) -> bool:
    """Opens the relationship with a successor, unless that was done before."""
    context = provider._context
    if is_followed(context, provider.address, succession):
        return False
    message = {
        "provider": provider.address,
        "subject": succession.successor,
        "number": succession.number,
        "expiresAt": succession.expires_at,
    }
    call = context.medrec.open(
        succession.successor,
        provider.address,
        succession.expires_at,
        succession.bundle,
        provider._actor.sign("Invitation", message),
        succession.acceptance,
    )
    provider._actor.submit(call)
    context.sync()
    return True


def current(provider: Provider, subject: str) -> tuple[str, RelationshipKeys]:
    """Where the relationship with a subject goes on by now, and the keys there."""
    context = provider._context
    visited = {subject}
    while True:
        relationships = context.index.relationships(subject=subject, provider=provider.address)
        succession: SuccessionBundle | None = None
        if relationships and not relationships[-1].is_open:
            with suppress(IntegrityError, InvalidInput):
                succession = provider._keys_of(relationships[-1]).succession
        if succession is None:
            keys = provider.keys(subject)
            succession = keys.succession
            if succession is None:
                return subject, keys
            open_successor(provider, succession)
        subject = succession.successor
        if subject in visited:
            raise NoRelationship(f"The successions of {subject} lead back to it.", subject=subject)
        visited.add(subject)
