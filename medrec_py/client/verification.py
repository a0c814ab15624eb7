"""Comparing what the index says and the store holds with what the chain commits to; every difference named exactly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from medrec_py.client.context import Context
from medrec_py.client.results import Fault, Verification
from medrec_py.errors import IntegrityError, ObjectMalformed, ObjectMissing, ObjectTampered, RegistrationBroken
from medrec_py.sealing import Manifest
from medrec_py.types.events import Anchored, BatchAnchored, LoggedEvent, Retracted
from medrec_py.types.ledger import EntryKind, LedgerEntry, compare, entries_of, replay
from medrec_py.types.terms import GrantStatus

_PROBLEMS: Final = {
    "missing": "missing object",
    "corrupt": "tampered object",
    "malformed": "tampered object",
    "unpinned": "unpinned object",
    "unavailable": "unavailable object",
}


def verify(
    context: Context,
    subjects: Sequence[str],
    bundles: Iterable[bytes] = (),
    located: Mapping[str, Collection[tuple[str, bytes]]] | None = None,
) -> Verification:
    """Verifies the histories of subjects.

    Ledgers and the batches of their providers are replayed from the index to the heads that the chain keeps as state;
    where they don't get there, the index is compared entry by entry with the chain's own log. Every object that a
    ledger names is fetched and hashed, and its pin asked for. The state of every relationship and grant that the index
    has is asked of the chain, and the providers' registrations.

    That a grant exists at all no state of the chain tells, only its log, from which the index was read: an index that
    somebody else could change is deleted and built anew.

    Args:
        context: The network, its index up to date.
        subjects: Whose ledgers.
        bundles: Digests of key bundles to check as well.
        located: By subject, author and digest of every parcel that its keys find; others in the ledger are then named.
    """
    faults: list[Fault] = []
    heads: dict[str, bytes] = {}
    digests: dict[bytes, None] = dict.fromkeys(bundles)
    log = _Log(context)
    entries = grants = 0
    providers: dict[str, None] = {}
    for subject in subjects:
        ledger = context.index.ledger(subject)
        entries += len(ledger)
        heads[subject] = replay(ledger)
        if heads[subject] != context.medrec.ledger_head(subject):
            # An index that lies about one entry must not keep the others from being checked.
            faults += _ledger_faults(f"ledger of {subject}", ledger, log.ledger(subject))
            ledger = log.ledger(subject)
        elif located is not None:
            faults += _unknown_parcels(subject, ledger, located[subject])
        authors = {entry.author for entry in ledger} - {subject}
        providers |= dict.fromkeys(sorted(authors | _check_relationships(context, subject, authors, faults)))
        digests |= dict.fromkeys(entry.digest for entry in ledger if entry.kind is EntryKind.ANCHOR)
        grants += _check_grants(context, subject, faults)
    for provider in providers:
        entries += _check_batches(context, provider, log, faults, digests)
        _check_registration(context, provider, faults)
    _check_objects(context, list(digests), faults)
    return Verification(tuple(subjects), entries, len(digests), grants, tuple(faults), heads)


class _Log:
    """The chain's own log, read once and only when it is needed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._events: list[LoggedEvent] | None = None

    def ledger(self, subject: str) -> list[LedgerEntry]:
        """A subject's ledger from the log itself."""
        return [
            entry
            for logged in self._all()
            if isinstance(logged.event, (Anchored, Retracted)) and logged.event.subject == subject
            for entry in entries_of(logged)
        ]

    def batches(self, author: str) -> list[LedgerEntry]:
        """An author's batches from the log itself."""
        return [
            entry
            for logged in self._all()
            if isinstance(logged.event, BatchAnchored) and logged.event.author == author
            for entry in entries_of(logged)
        ]

    def _all(self) -> list[LoggedEvent]:
        if self._events is None:
            chain = self._context.chain
            self._events = chain.logs(self._context.deployment.block_number, chain.head_number())
        return self._events


def _ledger_faults(what: str, index: list[LedgerEntry], chain: list[LedgerEntry]) -> list[Fault]:
    found = [Fault("ledger", what, fault.sentence) for fault in compare(index, chain)]
    sentence = "The log that the node gives does not lead to the head that it keeps: ask another node."
    return found or [Fault("ledger", what, sentence)]


def _unknown_parcels(subject: str, ledger: list[LedgerEntry], located: Collection[tuple[str, bytes]]) -> list[Fault]:
    return [
        Fault(
            "unknown parcel",
            entry.digest.hex(),
            f"{entry.author} anchored it for {subject}, under a key that {subject} does not have.",
        )
        for entry in ledger
        if entry.kind is EntryKind.ANCHOR and entry.author != subject and (entry.author, entry.digest) not in located
    ]


def _check_relationships(context: Context, subject: str, authors: Iterable[str], faults: list[Fault]) -> set[str]:
    """Compares the index's relationships with the chain's latest of each pair; gives back the providers."""
    numbers: dict[str, list[int]] = {author: [] for author in authors}
    is_open: dict[str, bool] = {}
    for item in context.index.relationships(subject=subject):
        numbers.setdefault(item.provider, []).append(item.number)
        is_open[item.provider] = item.is_open
    for provider, counted in sorted(numbers.items()):
        standing = context.medrec.relationship_of(subject, provider)
        expected = list(range(1, standing.number + 1))
        if sorted(counted) != expected or is_open.get(provider, False) is not standing.is_open:
            sentence = (
                f"The index has {len(counted)} relationships with {provider}, the last one "
                f"{'open' if is_open.get(provider) else 'closed'}; the chain {standing.number}, the last one "
                f"{'open' if standing.is_open else 'closed'}."
            )
            faults.append(Fault("relationship", subject, sentence))
    return set(numbers)


def _check_grants(context: Context, subject: str, faults: list[Fault]) -> int:
    items = context.index.grants(subject=subject)
    for item in items:
        state = context.medrec.grant_state(item.grantor, item.id)
        # As the contract evaluates it: the subject's own word overrules whatever is not final already.
        overruled = (
            item.grantor != subject
            and not state.status.is_terminal
            and context.medrec.grant_state(subject, item.id).status is GrantStatus.REVOKED
        )
        status = GrantStatus.REVOKED if overruled else state.status
        if status is not item.status:
            sentence = f"The index says {item.status.name.lower()}, the chain {status.name.lower()}."
            faults.append(Fault("grant", "0x" + item.id.hex(), sentence))
    return len(items)


def _check_batches(context: Context, author: str, log: _Log, faults: list[Fault], digests: dict[bytes, None]) -> int:
    batches = context.index.batches(author)
    if replay(batch.entry for batch in batches) != context.medrec.batch_head(author):
        entries = [batch.entry for batch in batches]
        faults += _ledger_faults(f"batches of {author}", entries, log.batches(author))
    for batch in batches:
        digests[batch.manifest] = None
        try:
            Manifest.parse(context.store.get(batch.manifest)).require(batch.root, batch.count)
        except (ObjectMissing, ObjectTampered, ObjectMalformed):
            continue  # Named when the objects are checked.
        except IntegrityError as error:
            faults.append(Fault("batch", batch.root.hex(), error.message))
    return len(batches)


def _check_registration(context: Context, participant: str, faults: list[Fault]) -> None:
    try:
        indexed = context.index.participant(participant)
    except RegistrationBroken as error:
        faults.append(Fault("registration", participant, error.message))
        return
    head = bytes(32) if indexed is None else indexed.registration
    if head != context.registrar.registration_of(participant):
        sentence = "The registrations in the index do not lead to the one that the chain keeps."
        faults.append(Fault("registration", participant, sentence))


def _check_objects(context: Context, digests: list[bytes], faults: list[Fault]) -> None:
    named: set[bytes] = set()
    for problem in context.store.verify_pins(digests):
        kind = _PROBLEMS[problem.kind]
        faults.append(Fault(kind, problem.cid.digest.hex(), f"{problem.cid} in {problem.store}: {problem.detail}"))
        named.add(problem.cid.digest)
    for digest in digests:
        if digest in named:
            continue
        try:
            for _ in context.store.chunks(digest):
                pass
        except ObjectMissing as error:
            faults.append(Fault("missing object", digest.hex(), error.message))
        except (ObjectTampered, ObjectMalformed) as error:
            faults.append(Fault("tampered object", digest.hex(), error.message))
