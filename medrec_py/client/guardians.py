"""Guardians: t of n people who get a lost wallet's records back, by one clock for lost wallets and for silent owners.

The root is split among them; each share is sealed to its guardian. On chain stands a Merkle root that names nobody,
under a recovery address that stands for nothing else. Any t guardians who put their shares together have the root,
whatever the chain says: the notice binds those who keep to it, and tells the owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from medrec_py.chain import Account, TransactionReceipt, as_account, require_address
from medrec_py.client.acts import Actor, Nobody, Relayer
from medrec_py.client.context import Context
from medrec_py.client.grants import withdrawn_if_declined
from medrec_py.client.plans import Announcement, announcements, latest_plans, owners_copy, plans_of, releases, span_of
from medrec_py.crypto import (
    ParticipantKey,
    RootKey,
    candidates,
    participant_seed,
    recovery_key,
    split,
    split_of,
    threshold_of,
)
from medrec_py.errors import (
    IntegrityError,
    InvalidInput,
    NoRelayer,
    Refused,
    SharesBroken,
    TooFewShares,
    Unavailable,
)
from medrec_py.sealing import (
    Appointed,
    BundleKind,
    PlanBundle,
    Reason,
    ShareBundle,
    Shares,
    guardian_leaf,
    open_bundle,
    proof_in,
    seal_bundle,
    shuffled,
    tree_over,
)
from medrec_py.types.events import RecoveryAnnounced
from medrec_py.types.moments import iso
from medrec_py.types.terms import ZERO_BYTES32, new_salt

if TYPE_CHECKING:
    from medrec_py.client.patient import Patient


@dataclass(frozen=True, slots=True)
class Plan:
    """A patient's plan.

    Attributes:
        owner: The recovery address.
        threshold: How many guardians it takes; 0 when the patient's own copy can't be had.
        guardians: Address and name of each, as the patient gave them.
        silence: Seconds without a sign of life before anybody can be announced.
        notice: Seconds between the announcement and the opening.
        last_sign_at: Unix time of the last sign of life.
        silent_at: First Unix second at which an heir can be announced.
        announcements: Who was announced; `life_sign` ends them.
    """

    owner: str
    threshold: int
    guardians: tuple[tuple[str, str], ...]
    silence: int
    notice: int
    last_sign_at: int
    silent_at: int
    announcements: tuple[Announcement, ...]

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON object."""
        return {
            "owner": self.owner,
            "threshold": self.threshold,
            "guardians": [{"address": address, "name": name} for address, name in self.guardians],
            "silence": self.silence,
            "notice": self.notice,
            "last_sign_at": iso(self.last_sign_at),
            "silent_at": iso(self.silent_at),
            "announcements": [item.to_json() for item in self.announcements],
        }


@dataclass(frozen=True, slots=True)
class Recovery:
    """A plan that names this wallet as heir.

    Attributes:
        owner: Whose plan.
        opens_at: Unix second from which it is open; 0 when the owner gave a sign of life since.
        is_open: Whether it is.
        released: How many guardians have released a share.
        threshold: How many it takes; None while no share tells.
    """

    owner: str
    opens_at: int
    is_open: bool
    released: int
    threshold: int | None

    def to_json(self) -> dict[str, Any]:
        """The recovery as a JSON object."""
        return {
            "owner": self.owner,
            "opens_at": iso(self.opens_at) if self.opens_at else None,
            "open": self.is_open,
            "released": self.released,
            "threshold": self.threshold,
        }


class Guardians:
    """A patient's guardians, and the way back from theirs. As `patient.guardians`.

    Args:
        patient: Whose.
    """

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    @property
    def _context(self) -> Context:
        return self._patient._context

    @cached_property
    def _account(self) -> Account:
        return as_account(recovery_key(self._patient.root))

    @property
    def owner(self) -> str:
        """The recovery address: what guardians know the patient by."""
        return self._account.address

    @cached_property
    def _actor(self) -> Actor:
        patient, context = self._patient, self._context
        # In wallet mode the wallet may pay: its address is public there, and this is no other person's.
        spare = Relayer(context.chain, patient._account) if patient.wallet_mode else Nobody("A recovery address")
        return Actor(self._account, context.medrec, context.registrar, patient._sender or spare)

    # ── the owner ──

    def appoint(
        self,
        guardians: Mapping[str, str] | Sequence[str],
        *,
        threshold: int,
        notice: timedelta | int,
        silence: timedelta | int = 0,
        label: str = "",
    ) -> TransactionReceipt:
        """Splits the root among guardians; any `threshold` of them can give it to an heir. Replaces an earlier plan.

        What earlier guardians hold stays as it is: enough of them can still put it together.

        Args:
            guardians: Addresses, by name or without; 2 to 16 registered participants.
            threshold: How many it takes; at least 2, so that nobody gets the root alone.
            notice: Between an announcement and its opening: the time in which `life_sign` is a veto.
            silence: Without a sign of life before anybody can be announced: 0 for a lost wallet alone, more for a
                dead-man's switch. Every act of this patient's counts as a sign of life.
            label: What the guardians know the matter by, such as the patient's name; sealed to them.

        Raises:
            InvalidInput: A number is out of bounds, or a guardian stands there twice.
            NoParticipantKey: A guardian has registered no key.
        """
        context, root, owner = self._context, self._patient.root, self.owner
        context.sync()
        named = guardians if isinstance(guardians, Mapping) else {"": list(guardians)}
        pairs = [
            (name, require_address(one))
            for name, given in named.items()
            for one in ([given] if isinstance(given, str) else given)
        ]
        addresses = [address for _, address in pairs]
        if len(set(addresses)) != len(addresses) or {owner, self._patient.address} & set(addresses):
            raise InvalidInput("A guardian stands there twice, or is the patient.", hint="Name other people.")
        seconds, waiting = span_of(notice, "notice"), span_of(silence, "silence")
        if not seconds:
            raise InvalidInput("Without notice nobody could veto.", hint="Give it days, so that the owner notices.")
        words = split(root.reveal(), threshold, len(pairs))
        keys = [context.public_key(address) for address in addresses]
        appointed = tuple(Appointed(address, name, new_salt()) for name, address in pairs)
        tree = tree_over([guardian_leaf(owner, one.address, one.salt) for one in appointed])
        place = context.bundle_context(owner)
        sealed = [
            seal_bundle(
                ShareBundle(owner, one.address, label, words[at], one.salt, proof_in(tree, at)), place, [keys[at]]
            )
            for at, one in enumerate(appointed)
        ]
        wallet = self._patient.address if self._patient.wallet_mode else None
        own_key = owner_key(root, owner).public_key
        sealed.append(seal_bundle(PlanBundle(threshold, wallet, appointed), place, [own_key]))
        digest = context.store.put(Shares(shuffled(sealed)).encode()).digest
        with withdrawn_if_declined(context, [digest]):
            return self._set(tree[0], waiting, seconds, digest)

    def plan(self) -> Plan | None:
        """The plan that stands; None when there is none."""
        context, owner = self._context, self.owner
        context.sync()
        standing = context.guardianship.plan_of(owner)
        if not standing.stands:
            return None
        event = latest_plans(context, owner).get(owner)
        copy = None if event is None else owners_copy(context, event, owner_key(self._patient.root, owner))
        return Plan(
            owner,
            0 if copy is None else copy.threshold,
            () if copy is None else tuple((one.address, one.name) for one in copy.guardians),
            standing.silence,
            standing.notice,
            standing.last_sign_at,
            standing.silent_at,
            tuple(announcements(context, owner)),
        )

    def life_sign(self) -> TransactionReceipt:
        """Says that the owner lives and holds the wallet: ends every announcement. This is the veto."""
        context, owner = self._context, self.owner
        guardianship = context.guardianship
        message = {"owner": owner, "turn": guardianship.plan_of(owner).turn}
        signature = self._actor.sign("LifeSign", message, guardianship.domain)
        receipt = self._actor.submit(guardianship.give_life_sign_with_sig(owner, signature))
        context.sync()
        return receipt

    def end(self) -> TransactionReceipt:
        """Ends the plan: nobody can be announced any more. Guardians keep their shares, as paper would be kept."""
        self._context.sync()
        return self._set(ZERO_BYTES32, 0, 0, ZERO_BYTES32)

    def keep_alive(self) -> None:
        """Gives a sign of life when one is due: while an heir is announced, or when a quarter of the silence is over.

        The patient's client calls it after acts of its own. An act is not undone because this fails; `plan` shows when
        the last sign was given.
        """
        context = self._context
        standing = context.guardianship.plan_of(self.owner)
        is_due = standing.silence and context.chain.now() >= standing.last_sign_at + standing.silence // 4
        if standing.stands and (standing.announced_at or is_due):
            with suppress(Refused, NoRelayer, Unavailable):
                self.life_sign()

    def _set(self, guardians: bytes, silence: int, notice: int, shares: bytes) -> TransactionReceipt:
        guardianship, owner = self._context.guardianship, self.owner
        message = {
            "owner": owner,
            "guardians": guardians,
            "silence": silence,
            "notice": notice,
            "shares": shares,
            "turn": guardianship.plan_of(owner).turn,
        }
        signature = self._actor.sign("Plan", message, guardianship.domain)
        receipt = self._actor.submit(
            guardianship.set_plan_with_sig(owner, guardians, silence, notice, shares, signature)
        )
        self._context.sync()
        return receipt

    # ── the heir ──

    def recoveries(self) -> list[Recovery]:
        """The plans that name this wallet as heir, and how far they have come."""
        context, heir = self._context, self._patient.address
        context.sync()
        owners: dict[str, None] = {}
        for item in context.index.custody((RecoveryAnnounced,), party=heir):
            event = item.logged.event
            if isinstance(event, RecoveryAnnounced) and event.heir == heir:
                owners[event.owner] = None
        return [self._recovery(owner) for owner in owners]

    def recover(self, owner: str) -> TransactionReceipt | None:
        """Puts the released shares together and takes over the owner's root.

        Args:
            owner: The recovery address of the lost wallet.

        Returns:
            The receipt of the taking over; None when that was done before.

        Raises:
            TooFewShares: Not enough guardians have released their shares.
            SharesBroken: There are enough, and they do not make the owner's root.
        """
        context = self._context
        context.sync()
        owner = require_address(owner)
        root = combined_root(self._released(owner), owner)
        # Not only of the plan that stands: a thief with the lost wallet may have ended it.
        copies = (owners_copy(context, plan, owner_key(root, owner)) for plan in plans_of(context, owner))
        copy = next(filter(None, copies), None)
        wallet = None if copy is None else copy.wallet
        return self._patient.inherit(root, reason=Reason.RECOVERY, wallet=wallet)

    def _recovery(self, owner: str) -> Recovery:
        guardianship, heir = self._context.guardianship, self._patient.address
        released = self._released(owner)
        thresholds = [threshold_of(share.words) for share in released]
        return Recovery(
            owner,
            guardianship.opens_at(owner, heir),
            guardianship.is_open(owner, heir),
            len({share.holder for share in released}),
            # A false share may say another number: most of them say the true one.
            max(sorted(thresholds), key=thresholds.count) if thresholds else None,
        )

    def _released(self, owner: str) -> list[ShareBundle]:
        """The shares that were released to this wallet: the last of each guardian and split.

        So nobody crowds the others' out, by however many false ones. What can't be read as one is left out.
        """
        context = self._context
        found: dict[tuple[str, int], ShareBundle] = {}
        for event in releases(context, owner, self._patient.address):
            with suppress(IntegrityError, InvalidInput):
                data = context.store.get(event.share, limit=1 << 20)
                share = open_bundle(data, context.bundle_context(owner), self._patient.key, BundleKind.SHARE)
                assert isinstance(share, ShareBundle)
                of = split_of(share.words)
                if (share.owner, share.holder) == (owner, event.guardian):
                    found[event.guardian, of] = share
        return list(found.values())


def owner_key(root: RootKey, owner: str) -> ParticipantKey:
    """The key pair to which a plan's owner seals what concerns nobody else."""
    return ParticipantKey.from_seed(participant_seed(root, owner))


def combined_root(shares: Sequence[ShareBundle], owner: str) -> RootKey:
    """The owner's root, out of enough shares; false ones among them do no harm.

    Raises:
        TooFewShares: There are not enough.
        SharesBroken: There are, and no choice of them makes the root that has this recovery address.
    """
    for secret in candidates([share.words for share in shares]):
        root = RootKey(secret)
        if as_account(recovery_key(root)).address == owner:
            return root
    thresholds = [threshold_of(share.words) for share in shares]
    needed = max(sorted(thresholds), key=thresholds.count, default=2)
    if len(shares) < needed:
        raise TooFewShares(
            f"{len(shares)} of the {needed} shares that it takes have been released.",
            released=len(shares),
            needed=needed,
        )
    raise SharesBroken(f"{len(shares)} shares were released, and they do not make the root of {owner}.", owner=owner)
