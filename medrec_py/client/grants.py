"""Making grants, and reading them back from their key bundles.

Anybody may write a grant about anybody on chain, and seal any bundle to whomever they know the key of. So nothing here
counts as a grant that does not follow, link by link, from one by the subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from medrec_py.chain import presented_grant_id, require_address, terms_hash
from medrec_py.client.context import Context
from medrec_py.client.cutting import Cut
from medrec_py.client.results import Grant
from medrec_py.crypto import MailboxKey, ParticipantKey, PublicKey
from medrec_py.errors import IntegrityError, InvalidInput, SigningDeclined, WrongKey
from medrec_py.index import IndexedGrant
from medrec_py.sealing import BundleKind, GrantBundle, open_bundle, seal_bundle
from medrec_py.types.json_values import JsonObject
from medrec_py.types.moments import DayLike, MomentLike, day, moment
from medrec_py.types.statement import Language, render, require_statement
from medrec_py.types.terms import (
    NO_EXPIRY,
    NO_FIRST_DATE,
    NO_LAST_DATE,
    ZERO_ADDRESS,
    ZERO_BYTES32,
    GrantStatus,
    Operation,
    PresentedGrant,
    Terms,
    new_salt,
)
from medrec_py.types.vocabulary import VOCABULARY


@dataclass(frozen=True, slots=True)
class OpenedGrant:
    """A grant and the key bundle that came with it."""

    grant: Grant
    bundle: GrantBundle


def make_terms(
    viewer: str,
    *,
    classes: Iterable[str | int] | str,
    purposes: Iterable[str | int] | str,
    operations: Operation = Operation.READ,
    starts: MomentLike | None,
    until: MomentLike | None,
    records_from: DayLike | None,
    records_until: DayLike | None,
    agent: str | None,
    delegations: int,
    condition: str | None,
    parent: bytes = ZERO_BYTES32,
    language: Language = "en",
    now: int,
) -> Terms:
    """Terms with their sentence, from what people say.

    Args:
        viewer: Whom they are for; the sentence names it.
        classes: Codes or numbers of record classes; `all` for every class.
        purposes: Codes or numbers of purposes of use.
        operations: What the viewer may do.
        starts: From when; now when None.
        until: First moment at which it no longer holds; None for until revoked.
        records_from: First day of the records covered; None for no bound.
        records_until: Last day; None for no bound.
        agent: Address of software that may act for the viewer.
        delegations: How often it may be passed on.
        condition: Address of a condition contract.
        parent: Id of the grant it is cut from.
        language: Language of the sentence.
        now: The chain's time, Unix seconds.

    Raises:
        InvalidInput: Something names no class, purpose or moment, or the grant could never permit anything.
    """
    draft = Terms(
        agent=agent or ZERO_ADDRESS,
        classes=VOCABULARY.class_mask([classes] if isinstance(classes, str) else classes),
        purposes=VOCABULARY.purpose_mask([purposes] if isinstance(purposes, str) else purposes),
        operations=operations,
        starts_at=now if starts is None else moment(starts),
        expires_at=NO_EXPIRY if until is None else moment(until),
        records_from=NO_FIRST_DATE if records_from is None else day(records_from),
        records_until=NO_LAST_DATE if records_until is None else day(records_until),
        delegations=delegations,
        parent=parent,
        condition=condition or ZERO_ADDRESS,
        vocabulary=VOCABULARY.hash,
        statement="",
        salt=new_salt(),
    )
    if not (draft.classes and draft.purposes and draft.operations):
        raise InvalidInput("A grant names at least one class, one purpose and one operation.")
    if draft.expires_at <= max(draft.starts_at, now):
        raise InvalidInput(
            f"The grant would end at {until} before it begins.", hint="Give a later end.", until=str(until)
        )
    if draft.records_from > draft.records_until:
        raise InvalidInput(
            f"No record is dated from {records_from} to {records_until}.", hint="Give the earlier day first."
        )
    return draft.with_statement(render(draft, viewer, language))


def seal_grant(
    context: Context,
    subject: str,
    chain: tuple[PresentedGrant, ...],
    cutting: Cut,
    subject_key: PublicKey,
    recipients: list[PublicKey],
) -> PresentedGrant:
    """Seals and stores the bundle for the last grant of `chain`, whose own `bundle` field is still empty.

    Args:
        context: The network.
        subject: Whose records.
        chain: The grants from the subject's own down to the new one.
        cutting: What it hands over.
        subject_key: The subject's own key; always among those it is sealed to, so that the patient sees every grant.
        recipients: The others it is sealed to.

    Returns:
        That grant with the bundle's digest.
    """
    last = chain[-1]
    bundle = GrantBundle(
        last.grantor,
        last.viewer,
        last.terms.to_json(),
        cutting.keys,
        cutting.excerpts,
        MailboxKey.random(),
        subject_key,
        tuple(_presented_json(grant) for grant in chain[:-1]),
    )
    sealed = seal_bundle(bundle, context.bundle_context(subject), [*recipients, subject_key])
    digests = [cid.digest for cid in context.store.put_many([*cutting.objects, sealed])]
    return replace(last, bundle=digests[-1])


@contextmanager
def withdrawn_if_declined(context: Context, objects: Iterable[bytes]) -> Iterator[None]:
    """Takes objects out of the store again when whoever should sign for them declines: they hold keys for others."""
    try:
        yield
    except SigningDeclined:
        for digest in objects:
            context.store.remove(digest)
        raise


class GrantBook:
    """The grants that one key pair opens. A bundle never changes, so each is fetched and opened once.

    Args:
        context: The network.
        key: The key pair of the grants' viewer, grantor or subject.
    """

    def __init__(self, context: Context, key: ParticipantKey) -> None:
        self._context = context
        self._key = key
        self._opened: dict[bytes, tuple[GrantBundle, tuple[PresentedGrant, ...]] | None] = {}

    def open(self, item: IndexedGrant, now: int) -> OpenedGrant | None:
        """The grant behind an indexed one, checked against what the chain committed to.

        Args:
            item: What the index knows.
            now: The chain's time.

        Returns:
            None when the bundle is not sealed to this key.

        Raises:
            IntegrityError: The bundle is not the one that was granted, its sentence says something else than its
                fields, or the grant does not follow from one by the subject.
        """
        if item.id not in self._opened:
            self._opened[item.id] = self._open_bundle(item)
        opened = self._opened[item.id]
        if opened is None:
            return None
        bundle, chain = opened
        _require_chain(item, chain)
        state = _state(self._context, item, chain, now)
        grant = Grant(item.id, item.subject, chain, item.status, state, item.agent_revoked, item.granted.time)
        return OpenedGrant(grant, bundle)

    def open_all(self, items: Iterable[IndexedGrant], *, own: str | None = None) -> list[OpenedGrant]:
        """Those grants that are sealed to the key and say what they were granted to say.

        Anybody may write a grant to anybody; so a malformed one by others is left out, and must not hide the rest.

        Args:
            items: What the index knows.
            own: An address whose grants must all open, because leaving one out would hide it.

        Raises:
            IntegrityError: A grant by `own` can't be opened.
        """
        now = self._context.chain.now()
        opened: list[OpenedGrant] = []
        for item in items:
            try:
                grant = self.open(item, now)
            except (IntegrityError, InvalidInput):
                if item.grantor == own:
                    raise
                continue
            if grant is not None:
                opened.append(grant)
        return opened

    def _open_bundle(self, item: IndexedGrant) -> tuple[GrantBundle, tuple[PresentedGrant, ...]] | None:
        context = self._context
        data = context.store.get(item.bundle)
        try:
            bundle = open_bundle(data, context.bundle_context(item.subject), self._key, BundleKind.GRANT)
        except WrongKey:
            return None
        assert isinstance(bundle, GrantBundle)
        terms = Terms.from_json(bundle.terms)
        if terms_hash(terms) != item.terms_hash or (bundle.grantor, bundle.viewer) != (item.grantor, item.viewer):
            raise IntegrityError(
                f"The terms in the key bundle of grant {item.id.hex()} are not those that were granted.",
                hint="Do not rely on this grant. Ask its grantor to grant anew.",
                id=item.id,
            )
        require_statement(terms, item.viewer)
        presented = PresentedGrant(item.grantor, item.viewer, item.bundle, terms)
        above = tuple(_presented_from_json(document) for document in bundle.ancestors)
        if item.grantor == context.deployment.emergency:
            # Whoever declares an emergency can't know the terms above: they are in the bundle of the prepared grant.
            parent = context.index.grant(terms.parent)
            opened = None if parent is None or parent.grantor != item.subject else self._open_bundle(parent)
            if opened is None:
                return None
            above = opened[1]
        return bundle, (*above, presented)


def of_consequence(items: Sequence[IndexedGrant], subject: str) -> list[IndexedGrant]:
    """The grants about a subject whose grantors can have had something to hand over.

    That is the subject, and whoever held a grant that had not ended yet. A stranger, or a viewer whose grants have all
    ended, may say on chain that they grant, and withdraw it: that must not make anybody change keys or ask for bundles.

    Args:
        items: Every grant about the subject.
        subject: Whose records.
    """
    held: dict[str, list[IndexedGrant]] = {}
    waiting = list(items)
    found: set[bytes] = set()
    while True:
        following = [
            item
            for item in waiting
            if item.grantor == subject
            or any(not above.status.is_terminal or above.changed > item.granted for above in held.get(item.grantor, []))
        ]
        if not following:
            return [item for item in items if item.id in found]
        for item in following:
            held.setdefault(item.viewer, []).append(item)
            found.add(item.id)
        waiting = [item for item in waiting if item.id not in found]


def _require_chain(item: IndexedGrant, chain: tuple[PresentedGrant, ...]) -> None:
    """Makes sure that a grant follows from one by the subject, by the rules of `Grants.evaluate`.

    Raises:
        IntegrityError: It does not; the chain would permit nothing under it, whoever says that it is a grant.
    """
    grantor, parent = item.subject, ZERO_BYTES32
    for position, presented in enumerate(chain):
        terms = presented.terms
        if (
            (presented.grantor, terms.parent) != (grantor, parent)
            or terms.vocabulary != chain[0].terms.vocabulary
            or terms.delegations < len(chain) - 1 - position
        ):
            raise IntegrityError(
                f"The grant {item.id.hex()} does not follow from one by {item.subject}.",
                hint="It permits nothing. Ask the patient to grant.",
                id=item.id,
                position=position,
            )
        if position < len(chain) - 1:
            grantor, parent = presented.viewer, presented_grant_id(item.subject, presented)


def _state(context: Context, item: IndexedGrant, chain: tuple[PresentedGrant, ...], now: int) -> str:
    """The state of a grant, which for a sub-grant is no better than that of any grant above it."""
    statuses = [item.status]
    for presented in chain[:-1]:
        above = context.index.grant(presented_grant_id(item.subject, presented))
        statuses.append(GrantStatus.NONE if above is None else above.status)
    for status, state in (
        (GrantStatus.REVOKED, "revoked"),
        (GrantStatus.RENOUNCED, "renounced"),
        (GrantStatus.NONE, "unknown"),
    ):
        if status in statuses:
            return state
    if any(now >= presented.terms.expires_at for presented in chain):
        return "expired"
    if GrantStatus.SUSPENDED in statuses:
        return "suspended"
    return "not yet valid" if any(now < presented.terms.starts_at for presented in chain) else "active"


def _presented_json(grant: PresentedGrant) -> JsonObject:
    document: dict[str, Any] = {
        "grantor": grant.grantor,
        "viewer": grant.viewer,
        "bundle": "0x" + grant.bundle.hex(),
        "terms": grant.terms.to_json(),
    }
    return document


def _presented_from_json(document: JsonObject) -> PresentedGrant:
    grantor, viewer, bundle = document.get("grantor"), document.get("viewer"), document.get("bundle")
    if not (isinstance(grantor, str) and isinstance(viewer, str) and isinstance(bundle, str)):
        raise InvalidInput("A grant above a sub-grant names grantor, viewer and bundle.")
    try:
        digest = bytes.fromhex(bundle.removeprefix("0x"))
    except ValueError as error:
        raise InvalidInput(f"{bundle!r} is no digest.", field="bundle") from error
    return PresentedGrant(
        require_address(grantor), require_address(viewer), digest, Terms.from_json(document.get("terms"))
    )
