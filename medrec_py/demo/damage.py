"""Step 7: somebody flips a byte, drops an object, reorders the index; each is named exactly, and repaired."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import and_, create_engine, select, update
from sqlalchemy.pool import NullPool

from medrec_py.client import Fault, Patient
from medrec_py.demo.report import FoundFault, Telling
from medrec_py.demo.scene import Scene
from medrec_py.index import Index
from medrec_py.index.schema import entries
from medrec_py.storage import FolderStore, Store
from medrec_py.types.ledger import EntryKind

_SHOWN = 3
"""Faults that are quoted."""
_SHA2_256 = b"\x12\x20"
"""Multihash prefix: sha2-256, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that somebody does to the system.

    Attributes:
        sentence: What, in words.
        where: The digest or the ledger it is done to.
        kind: Kind of the fault that verification has to report.
        named: What the fault has to name, besides `where` in its place: one of these.
        repair: How it is repaired, in words.
    """

    sentence: str
    where: str
    kind: str
    named: tuple[str, ...]
    repair: str


def damage_is_named(scene: Scene, telling: Telling) -> None:
    """Store and index are damaged in three ways; verification names each exactly; each is repaired."""
    stage = scene.stage
    device = scene.stage.device("notebook")
    sound = device.patient.verify()
    telling.require(sound.ok, "before anything is done to it all verifies.")
    # The patient keeps a second copy of the sealed objects, which anybody may hold: they tell nothing.
    replica = FolderStore(stage.home / "replica")
    objects = _objects(device.network.index, device.patient.subjects())
    replica.put_many(stage.network.store.get_many(objects))
    parcels = [item.digest for item in scene.records]

    store = stage.network.store
    flippable = store if isinstance(store, FolderStore) else replica
    watcher = device if flippable is store else scene.stage.device("replica-check", replica)
    flipped, dropped = parcels[0], parcels[-1]
    if flippable is not store:
        telling.tell(
            "Kubo won't hold other bytes under a digest, so the byte is flipped in the patient's replica, a folder."
        )
    _flip(flippable, flipped)
    # A device that has verified an object once need not fetch it again, so one is asked that has seen nothing yet.
    reader = stage.device("notebook-unread", flippable).patient
    telling.require(
        _leaves_out(reader, scene.subject, flipped), "reading names the altered parcel and shows no record of it."
    )
    _is_named(
        telling,
        Damage(
            f"a byte flipped in the object {flipped.hex()[:16]}… of {_called(flippable is store)}",
            flipped.hex(),
            "tampered object",
            (flipped.hex(),),
            "put back from the other copy",
        ),
        watcher.patient,
        lambda: _copy(replica if flippable is store else store, flippable, flipped),
    )

    store.remove(dropped)
    _is_named(
        telling,
        Damage(
            f"the object {dropped.hex()[:16]}… dropped from the store",
            dropped.hex(),
            "missing object",
            (dropped.hex(),),
            "put back from the other copy",
        ),
        device.patient,
        lambda: _copy(replica, store, dropped),
    )

    moved = _reorder(device.index_file, scene.subject)
    rebuilt = scene.stage.device("notebook-rebuilt")
    _is_named(
        telling,
        Damage(
            "two entries of the ledger exchanged in the index's database",
            f"ledger of {scene.subject}",
            "ledger",
            moved,
            "the index deleted and built anew from the chain",
        ),
        device.patient,
        lambda: None,
        repaired=rebuilt.patient,
    )
    telling.counts.update(
        objects=sound.objects,
        entries=sound.entries,
        damaged=len(telling.faults),
        named=sum(fault.is_named for fault in telling.faults),
        repaired=sum(fault.is_repaired for fault in telling.faults),
    )
    telling.tell(
        f"Before: {sound.entries:,} entries replayed to the head on chain, {sound.objects:,} objects fetched and "
        f"hashed, {sound.grants} grants compared. Then three things are done, and each is named exactly."
    )


def _is_named(
    telling: Telling,
    damage: Damage,
    patient: Patient,
    repair: Callable[[], None],
    *,
    repaired: Patient | None = None,
) -> None:
    """Verifies, compares what is named with what was done, repairs, and verifies again."""
    faults = patient.verify().faults
    named = len(faults) == 1 and _names(faults[0], damage)
    repair()
    again = (repaired or patient).verify()
    telling.found(
        FoundFault(
            damage.sentence,
            damage.where,
            faults[0].kind if faults else "",
            _sentences(faults),
            named,
            damage.repair,
            again.ok,
        )
    )


def _names(fault: Fault, damage: Damage) -> bool:
    return (
        fault.kind == damage.kind
        and fault.where == damage.where
        and (damage.where in damage.named or any(name in fault.sentence for name in damage.named))
    )


def _sentences(faults: tuple[Fault, ...]) -> str:
    """The faults in words; a few of them when there are more than there should be."""
    more = f" … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(fault.sentence for fault in faults[:_SHOWN]) + more


def _objects(index: Index, subjects: list[str]) -> list[bytes]:
    """Digests of all that the chain's events about a patient name."""
    digests: dict[bytes, None] = {}
    for subject in subjects:
        digests |= dict.fromkeys(entry.digest for entry in index.ledger(subject) if entry.kind is EntryKind.ANCHOR)
        digests |= dict.fromkeys(item.bundle for item in index.relationships(subject=subject))
        digests |= dict.fromkeys(item.bundle for item in index.grants(subject=subject))
    return list(digests)


def _called(is_store: bool) -> str:
    return "the store" if is_store else "the patient's own copy"


def _copy(source: Store, target: Store, digest: bytes) -> None:
    """Puts an object back from where it is whole."""
    target.put(source.get(digest))


def _flip(store: FolderStore, digest: bytes) -> None:
    """Flips one bit in the middle of a block's file; its name is its multihash (see `medrec_py.storage.folder`)."""
    name = base64.b32encode(_SHA2_256 + digest).decode().rstrip("=")
    (path,) = store.path.glob(f"blocks/*/{name}.data")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _leaves_out(patient: Patient, subject: str, digest: bytes) -> bool:
    """Whether reading shows everything but the records of one parcel, and names that parcel."""
    found = patient.records(subject=subject)
    named = [fault.where for fault in found.faults] == [digest.hex()]
    return named and all(item.digest != digest for item in found)


def _reorder(index_file: Path, subject: str) -> tuple[str, ...]:
    """Exchanges the first two entries of a ledger in the database of an index; gives back their digests."""
    mine = and_(entries.c.owner == subject, entries.c.kind == int(EntryKind.ANCHOR))
    places = (entries.c.block, entries.c.log_index, entries.c.place)
    engine = create_engine(f"sqlite:///{index_file}", poolclass=NullPool)
    with engine.begin() as database:
        rows = database.execute(select(*places, entries.c.digest).where(mine).order_by(*places).limit(2)).all()
        first, second = (tuple(row[:3]) for row in rows)
        aside = (*first[:2], -1)
        for source, target in ((first, aside), (second, first), (aside, second)):
            there = and_(*(column == value for column, value in zip(places, source, strict=True)))
            block, log_index, place = target
            database.execute(update(entries).where(there).values(block=block, log_index=log_index, place=place))
        return tuple(bytes(row[3]).hex() for row in rows)
