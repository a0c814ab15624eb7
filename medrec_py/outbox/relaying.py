"""Publications whose act is signed by one and brought to the chain by another.

There is no nonce of ours to make it once. The ledger's head does: a signed anchoring names the head that it is folded
onto, so it counts at most once, whoever brings it and however often. One for another head is signed only when the
chain's head is no longer the one that the first names and no block shows what was to be done. Then the first never can
be done any more: heads are hashes of all before them, so none comes back, and a chain on which the first counts is none
on which the second does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from medrec_py.chain import Call, Chain, TransactionReceipt
from medrec_py.errors import ContractRefusal, InvalidInput, JournalDamaged, NotMined, PublicationPending
from medrec_py.outbox.evidence import evidence
from medrec_py.outbox.journal import Entry, Journal
from medrec_py.outbox.publication import Step
from medrec_py.types.events import Event

_RENEWALS: Final = 5
"""How often in one run others may write into the same ledger first."""
_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 1.0


@runtime_checkable
class Courier(Protocol):
    """Signs acts, and has somebody bring them to the chain."""

    @property
    def address(self) -> str:
        """Who signs."""

    def renew(self, expects: Sequence[Event]) -> tuple[Call, ...]:
        """Signs acts anew that emit these events, for the ledger's head of this moment."""

    def bring(self, calls: Sequence[Call]) -> TransactionReceipt:
        """Has signed acts brought to the chain. What it gives back is not believed: the chain's log is asked."""


@dataclass(frozen=True, slots=True)
class Relaying:
    """Brings signed publications from the journal to the chain; see `medrec_py.outbox.Outbox`."""

    journal: Journal
    chain: Chain
    timeout: float
    observer: Callable[[Step, str], None]

    def bring(self, id: str, courier: Courier | None) -> TransactionReceipt:
        """Has a stored publication brought, unless the log shows it already, and waits until the log does.

        Raises:
            PublicationPending: There is nobody to bring it, others keep writing first, or relayer and chain disagree.
            NotMined: It was taken and is not mined yet.
            ContractRefusal: The contract refuses it, and not because the ledger went on.
        """
        for _ in range(_RENEWALS):
            entry = self._entry(id)
            # Before anything is brought, each time: the head for which the calls are signed was read before this.
            found = evidence(self.chain, entry)
            if found is not None:
                return found
            bearer = _require(courier, entry)
            self.journal.handed_over(id)
            self.observer(Step.SIGNED, id)
            try:
                bearer.bring(entry.calls)
            except ContractRefusal as refusal:
                self._refused(entry, bearer, refusal)
                continue
            self.observer(Step.BROADCAST, id)
            return self._arrival(entry)
        raise PublicationPending(
            f"Others wrote into the ledger of publication {id} first, {_RENEWALS} times.", publication=id
        )

    def _refused(self, entry: Entry, courier: Courier, refusal: ContractRefusal) -> None:
        """Returns when there is something to bring or to find again; raises what the contract says for good.

        A relayer's word alone makes nothing fail. It may count what waits to be mined, this very act perhaps, handed
        over before a crash; or it may lie. The mined blocks decide.
        """
        id = entry.status.id
        calls = courier.renew(entry.expects)
        if calls != entry.calls:
            self.journal.renewed(id, calls)
            self.observer(Step.PREPARED, id)
            return
        for _ in self._pauses():
            try:
                self.chain.call(self.chain.one_call(entry.calls), sender=entry.status.sender)
            except ContractRefusal:
                if evidence(self.chain, entry) is None and courier.renew(entry.expects) == entry.calls:
                    raise
                return
            if evidence(self.chain, entry) is not None:
                return
        raise PublicationPending(
            f"The relayer says that the contract refuses publication {id}, and the blocks mined so far do not: "
            f"{refusal.message}",
            hint="It may still be mined. Resume later, or with another relayer.",
            publication=id,
        ) from refusal

    def _arrival(self, entry: Entry) -> TransactionReceipt:
        for _ in self._pauses():
            found = evidence(self.chain, entry)
            if found is not None:
                return found
        raise NotMined(
            f"No block shows what a relayer took over {self.timeout:g} seconds ago.",
            hint="Nothing was lost. It may still be mined.",
        )

    def _pauses(self) -> Iterator[None]:
        """Once, and again after growing pauses, until the time is over."""
        begun, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            yield
            if time.monotonic() - begun >= self.timeout:
                return
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _entry(self, id: str) -> Entry:
        entry = self.journal.entry(id)
        if entry is None:
            raise JournalDamaged(f"Publication {id} has vanished from the journal.", publication=id)
        return entry


def _require(courier: Courier | None, entry: Entry) -> Courier:
    id, sender = entry.status.id, entry.status.sender
    if courier is None:
        raise PublicationPending(
            f"Publication {id} of {sender} waits to be relayed.",
            hint="Resume as the patient whose address that is, with a relayer.",
            publication=id,
        )
    if courier.address.lower() != sender.lower():
        raise InvalidInput(f"Publication {id} is {sender}'s to sign, not {courier.address}'s.", publication=id)
    return courier
