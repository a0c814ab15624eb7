"""Step 8: the whole history is verified against the ledger's head, and told once more as the patient sees it."""

from __future__ import annotations

from medrec_py.chain import MedRecContract
from medrec_py.client import Grant
from medrec_py.demo.report import Cell, History, Telling
from medrec_py.demo.scene import CLINIC, HOSPITAL, STRANGER, Scene
from medrec_py.demo.words import counted
from medrec_py.types.terms import NO_EXPIRY
from medrec_py.types.vocabulary import VOCABULARY


def history_is_verified(scene: Scene, telling: Telling) -> History:
    """From the wallet alone: every ledger entry replayed, every object hashed, every record compared once more."""
    stage = scene.stage
    device = scene.stage.device("new-phone")
    verification = device.patient.verify()
    telling.require(verification.ok, f"all verifies ({[fault.sentence for fault in verification.faults]}).")
    head = MedRecContract(device.network.deployment, device.network.chain).ledger_head(scene.subject)
    telling.require(verification.heads.get(scene.subject) == head, "the ledger replays to the head on chain.")
    scene.records = device.patient.records(subject=scene.subject)
    compared = scene.source.compare(item.record for item in scene.records)
    telling.require(
        compared.is_exact(foreign=len(scene.later)), f"every resource is there and equal, each once ({compared})."
    )
    found = [grant for grant in device.patient.grants() if grant.subject == scene.subject]
    telling.require(
        [grant.id for grant in found] == [grant.id for grant in scene.grants],
        "the wallet alone finds every grant again.",
    )
    acts = tuple(item for item in device.patient.audit() if item.subject == scene.subject)
    entries = len(device.network.index.ledger(scene.subject))
    telling.counts.update(
        resources=compared.wanted,
        equal=compared.equal,
        records=len(scene.records),
        entries=verification.entries,
        objects=verification.objects,
        grants=len(found),
        acts=len(acts),
        faults=len(verification.faults),
        head="0x" + head.hex(),
    )
    telling.tell(
        f"{counted(entries, 'entry')} of the ledger replay to the head that the chain keeps, 0x{head.hex()[:16]}…; "
        f"{counted(verification.objects, 'object')} hash to what they should; {counted(len(found), 'grant')} stand as "
        "the chain says."
    )
    telling.tell(
        f"{compared.equal:,} of {compared.wanted:,} resources came back equal, and {len(scene.later)} that were "
        "published later."
    )
    people = {
        stage.hospital.address: HOSPITAL,
        stage.clinic.address: CLINIC,
        stage.stranger.address: STRANGER,
        scene.subject: "Patient",
    }
    return History(
        people, acts, tuple((grant, _ended_at(scene, grant)) for grant in found), _cells(scene), entries, head
    )


def _ended_at(scene: Scene, grant: Grant) -> int | None:
    """When a grant ended: at what somebody did, or when it expired."""
    item = scene.stage.network.index.grant(grant.id)
    if item is not None and item.status.is_terminal:
        return item.changed.time
    expires_at = grant.terms.expires_at
    return expires_at if expires_at != NO_EXPIRY and expires_at <= scene.stage.network.chain.now() else None


def _cells(scene: Scene) -> tuple[Cell, ...]:
    records: dict[tuple[int, int], list[int]] = {}
    parcels: dict[tuple[int, int], set[bytes]] = {}
    for item in scene.records:
        place = item.record.record_class, item.record.period
        records.setdefault(place, []).append(item.record.reference in scene.seen)
        parcels.setdefault(place, set()).add(item.digest)
    return tuple(
        Cell(
            VOCABULARY.record_class(number).code,
            period or None,
            len(records[number, period]),
            len(parcels[number, period]),
            sum(records[number, period]),
        )
        for number, period in sorted(records)
    )
