"""Moving to another wallet: relationships, grants and the old root, one step after the other, each done once.

Nothing here is kept on the device: what was done is read from the chain and from the mailboxes each time. So it may be
cut off anywhere and run again, from either device, until nothing is pending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medrec_py.client.cases import Case, Tree
from medrec_py.client.context import Context
from medrec_py.client.results import Grant
from medrec_py.client.succession import is_followed, make_succession, standing
from medrec_py.client.window import Window
from medrec_py.errors import InvalidInput, InvalidKey, NoParticipantKey, Refused, WalletLost
from medrec_py.sealing import SuccessionBundle, make_locators, seal_bundle
from medrec_py.types.terms import NO_EXPIRY, ZERO_ADDRESS, Operation

if TYPE_CHECKING:
    from medrec_py.client.patient import Patient


@dataclass(frozen=True, slots=True)
class MovedRelationship:
    """How far one relationship has come.

    Attributes:
        subject: The old address.
        provider: Whose relationship.
        provider_name: From the provider's descriptor; empty when it has none.
        successor: The new address; None where none could be accepted for.
        is_followed: Whether the provider has opened the new one.
        is_closed: Whether the old one is closed.
    """

    subject: str
    provider: str
    provider_name: str
    successor: str | None
    is_followed: bool
    is_closed: bool

    def to_json(self) -> dict[str, Any]:
        """The relationship as a JSON object."""
        return {
            "subject": self.subject,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "successor": self.successor,
            "followed": self.is_followed,
            "closed": self.is_closed,
        }


@dataclass(frozen=True, slots=True)
class Move:
    """How far a move has come.

    Attributes:
        relationships: Every relationship that is or was to go on elsewhere.
        granted: The grants that were made anew in this run.
        pending: What is left to do, and by whom, in words.
    """

    relationships: tuple[MovedRelationship, ...]
    granted: tuple[Grant, ...]
    pending: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.pending

    def to_json(self) -> dict[str, Any]:
        """The move as a JSON object."""
        return {
            "done": self.is_done,
            "relationships": [item.to_json() for item in self.relationships],
            "granted": [grant.to_json() for grant in self.granted],
            "pending": list(self.pending),
        }


class Moving:
    """A patient's moves. As `patient.moving`.

    Args:
        patient: Who moves.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def to(self, new: Patient, *, subject: str | None = None) -> Move:
        """Moves everything to a new wallet, as far as it can be done now. Run it again until nothing is pending.

        The new wallet takes over this one's root, so that it reads everything. Each provider with an open relationship
        finds in its mailbox where the relationship goes on, and follows when it next publishes or looks. Then the old
        one is closed, and what was granted about the old address is granted about the new one too. The old grants stay:
        they are what the records written so far are read under.

        Moving several addresses in one moment shows an onlooker that they belong together: who minds names them one by
        one, and lets time pass between.

        Args:
            new: The new wallet, in the same network.
            subject: Only this one of the old addresses.

        Raises:
            InvalidInput: It is the same wallet, or `subject` is none of the old addresses.
        """
        old = self._patient
        if new.root == old.root:
            raise InvalidInput("The new wallet is the old one.", hint="Make another wallet and name that.")
        new.inherit(old.root, reason="move", wallet=old.address if old.wallet_mode else None)
        return _Run(old._context, old, new).run(_chosen(old._cases.used(), subject))

    def settle(self, *, subject: str | None = None) -> Move:
        """Moves what this wallet inherited to addresses of its own: after a recovery, the old keys may be in any hands.

        Args:
            subject: Only this one of the inherited addresses.
        """
        new = self._patient
        new._context.sync()
        return _Run(new._context, new, new).run(_chosen(new._cases.inherited(), subject))


def _chosen(cases: list[Case], subject: str | None) -> list[Case]:
    chosen = [case for case in cases if subject in (None, case.subject)]
    if subject is not None and not chosen:
        raise InvalidInput(f"{subject} is none of the addresses that move.", subject=subject)
    return chosen


class _Run:
    """One run of a move.

    Args:
        context: The network.
        old: Whose cases move; signs for them.
        new: Where they go.
    """

    def __init__(self, context: Context, old: Patient, new: Patient) -> None:
        self._context = context
        self._old = old
        self._new = new
        self._relationships: list[MovedRelationship] = []
        self._granted: list[Grant] = []
        self._pending: list[str] = []

    def run(self, cases: list[Case]) -> Move:
        for case in cases:
            successors = self._relationships_of(case)
            if self._has_own_records(case):
                successors.append(self._new._cases.own().subject)
            successors = list(dict.fromkeys(successors))
            self._try(f"The grants about {case.subject}", partial(self._grants_of, case, successors))
            self._try(f"The delegates of {case.subject}", partial(self._delegates, case, successors))
        self._say_what_is_left(cases)
        return Move(tuple(self._relationships), tuple(self._granted), tuple(self._pending))

    def _try(self, what: str, step: Callable[[], None]) -> None:
        """Does a step; what refuses keeps nothing else from moving and is said."""
        try:
            step()
        except (Refused, NoParticipantKey, InvalidKey) as error:
            self._pending.append(f"{what}: {error.message}")

    def _has_own_records(self, case: Case) -> bool:
        context = self._context
        own = [tree for tree in case.trees(context) if tree.provider == case.subject]
        return bool(own and case.holdings(own).locate(context, Window()).parcels)

    # ── relationships ──

    def _relationships_of(self, case: Case) -> list[str]:
        """Moves the relationships of one old address; gives back the new addresses whose relationships stand."""
        context = self._context
        successors: list[str] = []
        for tree in case.trees(context):
            if tree.provider == case.subject:
                continue
            mail = case.mail(context, tree.mailbox)
            succession = standing(context, tree.provider, mail.successions, is_open=tree.is_open)
            if succession is None and not tree.is_open:
                continue
            name = context.name_of(tree.provider)
            if succession is None:
                succession = self._announce(case, tree)
            moved = succession is not None and is_followed(context, tree.provider, succession)
            is_closed = not tree.is_open
            if moved and succession is not None:
                successors.append(succession.successor)
                if tree.is_open:
                    is_closed = self._close(case, tree.provider)
            elif succession is not None:
                who = name or tree.provider
                self._pending.append(f"{who} has not followed yet, from {case.subject} to {succession.successor}.")
            self._relationships.append(
                MovedRelationship(
                    case.subject,
                    tree.provider,
                    name,
                    None if succession is None else succession.successor,
                    moved,
                    is_closed,
                )
            )
        return successors

    def _announce(self, case: Case, tree: Tree) -> SuccessionBundle | None:
        """Leaves the provider word of where the relationship goes on."""
        context = self._context
        try:
            key = context.public_key(tree.provider)
            succession = make_succession(context, self._new._cases.next(), tree.provider, key)
            sealed = seal_bundle(succession, context.bundle_context(case.subject), [key, case.key.public_key])
            digest = context.store.put(sealed).digest
            case.actor.submit(case.actor.anchor(case.subject, [digest], make_locators([tree.mailbox])))
        except (WalletLost, NoParticipantKey, InvalidKey) as error:
            self._pending.append(f"The relationship of {case.subject} with {tree.provider}: {error.message}")
            return None
        context.sync()
        return succession

    def _close(self, case: Case, provider: str) -> bool:
        try:
            case.actor.submit(case.actor.close(case.subject, provider))
        except WalletLost as error:
            self._pending.append(f"The old relationship with {provider} stays open: {error.message}")
            return False
        self._context.sync()
        return True

    # ── grants and delegates ──

    def _grants_of(self, case: Case, successors: list[str]) -> None:
        """Grants about the new addresses what stands about the old one; what was made anew before is left at that."""
        self._context.sync()
        opened = [item.grant for item in self._old._opened(case)]
        for subject in successors:
            made = [item.grant for item in self._new._opened(self._new._cases.require(subject))]
            for grant in opened:
                if not self._is_to_be_made(grant, case) or any(_says_the_same(grant, other) for other in made):
                    continue
                self._try(f"The grant {grant.id.hex()}", partial(self._grant, grant, subject))
            # Whoever was granted before the provider followed gets the keys of what has opened since.
            self._new._update([self._new._cases.require(subject)])

    def _is_to_be_made(self, grant: Grant, case: Case) -> bool:
        emergency = self._context.deployment.emergency
        return grant.is_live and grant.grantor == case.subject and grant.viewer != emergency

    def _grant(self, grant: Grant, subject: str) -> None:
        terms = grant.terms
        made = self._new.grant(
            grant.viewer,
            classes=[number for number in range(64) if terms.classes >> number & 1],
            purposes=[number for number in range(64) if terms.purposes >> number & 1],
            operations=Operation(terms.operations),
            starts=max(terms.starts_at, self._context.chain.now()),
            until=None if terms.expires_at == NO_EXPIRY else terms.expires_at,
            records_from=terms.records_from or None,
            records_until=terms.records_until,
            agent=None if terms.agent == ZERO_ADDRESS or grant.agent_revoked else terms.agent,
            delegations=terms.delegations,
            condition=None if terms.condition == ZERO_ADDRESS else terms.condition,
            subject=subject,
        )
        self._granted.append(made)
        if grant.state == "suspended":
            self._new.suspend(made)

    def _delegates(self, case: Case, successors: list[str]) -> None:
        """Names the delegates of the old address for the new ones."""
        standing_now = [one for one in self._old.delegates.list() if one.subject == case.subject and one.is_active]
        named = {(one.subject, one.delegate) for one in self._new.delegates.list()}
        for subject in successors:
            for one in standing_now:
                if (subject, one.delegate) not in named:
                    self._new.delegates.name(one.delegate, until=one.expires_at, subject=subject)

    # ── what is left ──

    def _say_what_is_left(self, cases: list[Case]) -> None:
        emergency = self._context.deployment.emergency
        inherited = {case.subject for case in self._new._cases.inherited()}
        is_prepared_anew = any(plan.grant.subject not in inherited for plan in self._new.emergency.plans())
        for case in cases:
            for item in self._old._opened(case):
                grant = item.grant
                if not grant.is_live or grant.grantor == emergency:
                    continue
                if grant.viewer == emergency:
                    if not is_prepared_anew:
                        what = f"What {case.subject} has prepared for emergencies"
                        self._pending.append(f"{what} stays with its custodians: prepare it anew.")
                elif grant.grantor != case.subject:
                    self._pending.append(
                        f"{grant.grantor} passed a grant on to {grant.viewer}: only {grant.grantor} can do so anew."
                    )


def _says_the_same(grant: Grant, other: Grant) -> bool:
    """Whether one grant is another made anew, be it withdrawn since."""
    first, second = grant.terms, other.terms
    agents = {first.agent, ZERO_ADDRESS} if grant.agent_revoked else {first.agent}
    return (
        grant.viewer == other.viewer
        and second.agent in agents
        and all(
            getattr(first, name) == getattr(second, name)
            for name in (
                "classes",
                "purposes",
                "operations",
                "expires_at",
                "records_from",
                "records_until",
                "delegations",
                "condition",
            )
        )
    )
