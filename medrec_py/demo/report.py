"""What the demonstration shows: steps, what each cost, which requests were refused and why, which faults were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medrec_py.chain import TransactionReceipt
from medrec_py.client import AuditItem, Grant, Publication


@dataclass(frozen=True, slots=True)
class Cost:
    """One transaction and what it took.

    Attributes:
        actor: Who acted, in words.
        act: The contract's function, several joined by `+`.
        gas: Gas used.
        calldata_bytes: Length of its calldata.
    """

    actor: str
    act: str
    gas: int
    calldata_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The cost as a JSON object."""
        return {"actor": self.actor, "act": self.act, "gas": self.gas, "calldata_bytes": self.calldata_bytes}


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that had to be refused, and what became of it.

    Attributes:
        who: Who asked.
        asked: What for, in words.
        expected: The rule that had to refuse it, by name (`medrec_py.types.terms.Refusal`); `PERMITTED` where only the
            lack of a key refuses.
        rule: The rule that did; `PERMITTED` when none did.
        keys: Parcels of what was asked for that the asker holds a key to.
        parcels: In how many parcels it is.
        needs_no_key: Whether the lack of a key had to refuse it as well.
        sentence: The refusal in words.
    """

    who: str
    asked: str
    expected: str
    rule: str
    keys: int
    parcels: int
    needs_no_key: bool
    sentence: str

    @property
    def is_right(self) -> bool:
        """Whether it was refused by the right rule and, where that had to be, for lack of a key too."""
        return self.rule == self.expected and not (self.needs_no_key and self.keys)

    def to_json(self) -> dict[str, Any]:
        """The refusal as a JSON object."""
        return {
            "who": self.who,
            "asked": self.asked,
            "rule": self.rule,
            "expected": self.expected,
            "parcels": self.parcels,
            "parcels_with_key": self.keys,
            "right": self.is_right,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class FoundFault:
    """Damage that was done on purpose, and what verification said of it.

    Attributes:
        damage: What was done, in words.
        where: The digest or ledger that it was done to.
        kind: Kind of the fault that verification reported; empty when it reported none.
        sentence: What it reported.
        is_named: Whether exactly the damaged thing was named, and nothing else.
        repair: How it was repaired.
        is_repaired: Whether verification was content afterwards.
    """

    damage: str
    where: str
    kind: str
    sentence: str
    is_named: bool
    repair: str
    is_repaired: bool

    def to_json(self) -> dict[str, Any]:
        """The fault as a JSON object."""
        return {
            "damage": self.damage,
            "where": self.where,
            "kind": self.kind,
            "sentence": self.sentence,
            "named": self.is_named,
            "repair": self.repair,
            "repaired": self.is_repaired,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demonstration.

    Attributes:
        number: Its place, from 1.
        name: One word.
        title: One line.
        ok: Whether all of it went as it should.
        counts: What was counted, fit for JSON.
        costs: Its transactions.
        stored_bytes: Bytes that it added to the store.
        seconds: How long it took.
        lines: What happened, in sentences.
        refusals: Requests that were refused.
        faults: Damage that was found.
    """

    number: int
    name: str
    title: str
    ok: bool
    counts: Mapping[str, Any]
    costs: tuple[Cost, ...]
    stored_bytes: int
    seconds: float
    lines: tuple[str, ...]
    refusals: tuple[RefusedRequest, ...] = ()
    faults: tuple[FoundFault, ...] = ()

    @property
    def gas(self) -> int:
        """Gas of all its transactions."""
        return sum(cost.gas for cost in self.costs)

    @property
    def calldata_bytes(self) -> int:
        """Calldata of all its transactions."""
        return sum(cost.calldata_bytes for cost in self.costs)

    def to_json(self) -> dict[str, Any]:
        """The step as a JSON object: `bytes` went into the store, `calldata_bytes` to the chain."""
        return {
            "name": self.name,
            "title": self.title,
            "ok": self.ok,
            **self.counts,
            "gas": self.gas,
            "bytes": self.stored_bytes,
            "calldata_bytes": self.calldata_bytes,
            "seconds": round(self.seconds, 3),
            "transactions": [cost.to_json() for cost in self.costs],
            "refusals": [refusal.to_json() for refusal in self.refusals],
            "faults": [fault.to_json() for fault in self.faults],
            "lines": list(self.lines),
        }


@dataclass(slots=True)
class Telling:
    """A step while it is being told.

    Attributes:
        number: As in `Step`, like all others.
    """

    number: int
    name: str
    title: str
    ok: bool = True
    counts: dict[str, Any] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    refusals: list[RefusedRequest] = field(default_factory=list)
    faults: list[FoundFault] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Adds a sentence to what happened."""
        self.lines.append(sentence)

    def require(self, holds: bool, claim: str) -> None:
        """Makes the step fail, and says which claim it was, unless the claim holds."""
        if not holds:
            self.ok = False
            self.lines.append(f"NOT SO: {claim}")

    def paid(self, actor: str, receipt: TransactionReceipt) -> None:
        """Notes what a transaction cost."""
        self.costs.append(Cost(actor, receipt.name, receipt.gas_used, receipt.calldata_bytes))

    def published(self, actor: str, publication: Publication) -> None:
        """Notes what a publication cost."""
        self.costs.append(Cost(actor, "anchor", publication.gas_used, publication.calldata_bytes))

    def refused(self, refusal: RefusedRequest) -> None:
        """Notes a refusal; a wrong one makes the step fail."""
        self.refusals.append(refusal)
        claim = f"{refusal.who} asking for {refusal.asked} is refused by {refusal.expected}"
        keys = ", and holds no key to it" if refusal.needs_no_key else ""
        self.require(
            refusal.is_right, f"{claim}{keys} (the rule said {refusal.rule}; parcels with a key: {refusal.keys})."
        )

    def found(self, fault: FoundFault) -> None:
        """Notes a fault; one that was not named exactly, or not repaired, makes the step fail."""
        self.faults.append(fault)
        self.require(fault.is_named, f"verification names exactly this: {fault.damage} (it said: {fault.sentence!r}).")
        self.require(fault.is_repaired, f"after the repair all verifies: {fault.repair}")

    def told(self, stored_bytes: int, seconds: float) -> Step:
        """The step as it went."""
        return Step(
            self.number,
            self.name,
            self.title,
            self.ok,
            self.counts,
            tuple(self.costs),
            stored_bytes,
            seconds,
            tuple(self.lines),
            tuple(self.refusals),
            tuple(self.faults),
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """Parcels of one class and period, for the picture.

    Attributes:
        class_code: Code of the class.
        period: Calendar year; None for undated records.
        records: How many records.
        parcels: In how many parcels.
        shared: How many of the records the clinic read while its grant stood.
    """

    class_code: str
    period: int | None
    records: int
    parcels: int
    shared: int

    def to_json(self) -> dict[str, Any]:
        """The cell as a JSON object."""
        return {
            "class": self.class_code,
            "period": self.period,
            "records": self.records,
            "parcels": self.parcels,
            "shared": self.shared,
        }


@dataclass(frozen=True, slots=True)
class History:
    """What the patient sees at the end.

    Attributes:
        people: Name by address.
        acts: Every act on chain, in order.
        grants: Every grant, and when and how it ended (Unix time; None while it has not).
        parcels: Records by class and period.
        entries: Entries of the ledger, and its head.
    """

    people: Mapping[str, str]
    acts: tuple[AuditItem, ...]
    grants: tuple[tuple[Grant, int | None], ...]
    parcels: tuple[Cell, ...]
    entries: int
    head: bytes


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The whole demonstration.

    Attributes:
        steps: The steps, in order.
        resources_in: Resources of the input, repetitions included.
        resources_out: How many of them came back equal as JSON values, opened by the patient's wallet alone.
        chain: Which chain, in words.
        store: Which store, in words.
        source: What the input is called.
        seconds: From start to end.
        history: What the patient sees at the end.
        page: Where the picture was written; None when it was not asked for.
    """

    steps: tuple[Step, ...]
    resources_in: int
    resources_out: int
    chain: str
    store: str
    source: str
    seconds: float
    history: History
    page: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every step went as it should and every resource came back equal."""
        return all(step.ok for step in self.steps) and self.resources_in == self.resources_out

    @property
    def refusals(self) -> tuple[RefusedRequest, ...]:
        """The refused requests of all steps."""
        return tuple(refusal for step in self.steps for refusal in step.refusals)

    @property
    def faults(self) -> tuple[FoundFault, ...]:
        """The damage found in all steps."""
        return tuple(fault for step in self.steps for fault in step.faults)

    def to_json(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {
            "ok": self.ok,
            "resources_in": self.resources_in,
            "resources_out": self.resources_out,
            "chain": self.chain,
            "store": self.store,
            "source": self.source,
            "gas": sum(step.gas for step in self.steps),
            "bytes": sum(step.stored_bytes for step in self.steps),
            "calldata_bytes": sum(step.calldata_bytes for step in self.steps),
            "seconds": round(self.seconds, 3),
            "page": self.page,
            "steps": [step.to_json() for step in self.steps],
            "ledger": {"entries": self.history.entries, "head": "0x" + self.history.head.hex()},
            "parcels": [cell.to_json() for cell in self.history.parcels],
            "grants": [grant.to_json() | {"ended_at": ended} for grant, ended in self.history.grants],
            "acts": [act.to_json() for act in self.history.acts],
        }
