"""The guardian: keeps shares of other people's roots, announces who takes over, and releases when the chain says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medrec_py.chain import TransactionReceipt, require_address
from medrec_py.client.participant import Participant
from medrec_py.client.plans import Announcement, announcements, has_released, latest_plans, share_in
from medrec_py.crypto import threshold_of
from medrec_py.errors import NoShare, NotOpen
from medrec_py.sealing import ShareBundle, guardian_leaf, seal_bundle, verify_proof
from medrec_py.types.events import PlanSet
from medrec_py.types.moments import iso


@dataclass(frozen=True, slots=True)
class Ward:
    """Somebody whose guardian this is.

    Attributes:
        owner: The recovery address.
        label: What the owner calls the matter.
        threshold: How many guardians it takes.
        silence: Seconds without a sign of life before anybody can be announced.
        notice: Seconds between the announcement and the opening.
        silent_at: First Unix second at which an heir can be announced.
        announcements: Who was announced.
    """

    owner: str
    label: str
    threshold: int
    silence: int
    notice: int
    silent_at: int
    announcements: tuple[Announcement, ...]

    def to_json(self) -> dict[str, Any]:
        """The ward as a JSON object."""
        return {
            "owner": self.owner,
            "label": self.label,
            "threshold": self.threshold,
            "silence": self.silence,
            "notice": self.notice,
            "silent_at": iso(self.silent_at),
            "announcements": [item.to_json() for item in self.announcements],
        }


class Guardian(Participant):
    """Whoever keeps a share of somebody's root. Registers a key first, like every participant."""

    def wards(self) -> list[Ward]:
        """Everybody whose plan that stands has a share for this guardian. Looks into every plan there is."""
        self._context.sync()
        held = self._shares()
        return [self._ward(owner, plan, share) for owner, (plan, share) in held.items()]

    def announce(self, ward: str, heir: str) -> TransactionReceipt:
        """Says that the owner can't act, and who takes over unless the owner gives a sign of life.

        Args:
            ward: The owner's recovery address.
            heir: A registered participant: as a rule the same person, with a new wallet. Make sure of that, face to
                face or on the telephone; nothing here can.

        Raises:
            NoShare: This is no guardian of theirs.
            NoParticipantKey: The heir has registered no key.
            TooEarly: The owner has not been silent for long enough.
        """
        self._context.sync()
        share = self._share(ward)
        successor = require_address(heir)
        self._context.public_key(successor)
        assert share.salt is not None
        guardianship, signature = self._context.guardianship, b""
        if self._actor.is_relayed:
            turn = guardianship.plan_of(share.owner).turn
            message = {"owner": share.owner, "heir": successor, "guardian": self.address, "turn": turn}
            signature = self._actor.sign("Announcement", message, guardianship.domain)
        call = guardianship.announce(share.owner, successor, self.address, share.salt, share.proof, signature)
        receipt = self._actor.submit(call)
        self._context.sync()
        return receipt

    def release(self, ward: str, heir: str) -> TransactionReceipt | None:
        """Seals this guardian's share to an heir to whom the plan is open; never before.

        Args:
            ward: The owner's recovery address.
            heir: To whom. Anybody may be announced by any guardian: make sure who it is.

        Returns:
            The receipt; None when it was released to them before.

        Raises:
            NoShare: This is no guardian of theirs.
            NotOpen: The plan is not open to the heir: nobody announced them, the notice runs, or the owner vetoed.
        """
        context = self._context
        context.sync()
        share = self._share(ward)
        successor = require_address(heir)
        # Asked before anything is sealed: what is in the store can't be taken back by a refusal on chain.
        if not context.guardianship.is_open(share.owner, successor):
            opens_at = context.guardianship.opens_at(share.owner, successor)
            when = f"It opens at {iso(opens_at)}." if opens_at else "Nobody's announcement of them stands."
            raise NotOpen(
                f"The plan of {share.owner} is not open to {successor}. {when}", owner=share.owner, heir=successor
            )
        if has_released(context, share.owner, successor, self.address):
            return None
        assert share.salt is not None
        released = ShareBundle(share.owner, self.address, "", share.words)
        sealed = seal_bundle(released, context.bundle_context(share.owner), [context.public_key(successor)])
        digest = context.store.put(sealed).digest
        # The one act of a guardian's that is a direct call: the contract knows the releaser by it.
        call = context.guardianship.release(share.owner, successor, share.salt, share.proof, digest)
        receipt = context.chain.send(self._account, call)
        context.sync()
        return receipt

    # ── internals ──

    def _shares(self, owner: str | None = None) -> dict[str, tuple[PlanSet, ShareBundle]]:
        held = {}
        for plan in latest_plans(self._context, owner).values():
            share = share_in(self._context, plan, self.key)
            if share is not None and self._is_in(plan, share):
                held[plan.owner] = (plan, share)
        return held

    def _is_in(self, plan: PlanSet, share: ShareBundle) -> bool:
        """Whether a share's salt and proof lead to the plan: without that the chain would not know this guardian."""
        if share.holder != self.address or share.salt is None:
            return False
        return verify_proof(plan.guardians, guardian_leaf(plan.owner, self.address, share.salt), share.proof)

    def _share(self, ward: str) -> ShareBundle:
        owner = require_address(ward)
        held = self._shares(owner).get(owner)
        if held is None:
            raise NoShare(f"{self.address} holds no share in a plan of {owner}.", owner=owner)
        return held[1]

    def _ward(self, owner: str, plan: PlanSet, share: ShareBundle) -> Ward:
        standing = self._context.guardianship.plan_of(owner)
        return Ward(
            owner,
            share.label,
            threshold_of(share.words),
            plan.silence,
            plan.notice,
            standing.silent_at,
            tuple(announcements(self._context, owner)),
        )
