"""Steps 5 and 6: a grant that is read exactly, requests that are refused and why, and a revocation."""

from __future__ import annotations

from medrec_py.client import Grant
from medrec_py.crypto import CompartmentKey, Path, derive, relationship_node
from medrec_py.demo.comparison import contents
from medrec_py.demo.plan import OTHER_PURPOSE, PURPOSE
from medrec_py.demo.report import Telling
from medrec_py.demo.scene import STRANGER, Scene
from medrec_py.demo.stage import DAY
from medrec_py.demo.words import counted
from medrec_py.errors import IntegrityError, NotPermitted, Refused
from medrec_py.sealing import BundleContext, BundleKind, FetchedParcel, Place, open_bundle, open_parcel
from medrec_py.storage import digest_of
from medrec_py.types.moments import iso
from medrec_py.types.terms import Refusal
from medrec_py.types.vocabulary import VOCABULARY

_LASTING = 365 * DAY
"""Seconds until the second grant would expire by itself."""


def clinic_reads_and_others_do_not(scene: Scene, telling: Telling) -> None:
    """One class, one purpose, until a date, records since a day: read exactly, everything else refused."""
    stage, plan = scene.stage, scene.plan
    grant = _grant(scene, stage.lifetime)
    scene.relayed(telling)
    telling.tell(f"The patient's wallet shows this sentence, and signs it: {grant.terms.statement}")
    read = _reads_exactly(scene, telling)
    telling.counts.update(
        record_class=plan.shared_code, purpose=PURPOSE, records_from=plan.first_day, records_read=read
    )

    shared = scene.parcels_of(scene.expected())
    withheld = [record for record in scene.source.records if record.record_class == plan.withheld]
    scene.is_refused(
        telling,
        f"another class ({plan.withheld_code})",
        Refusal.CLASS,
        scene.parcels_of(withheld),
        record_class=plan.withheld,
    )
    # What is held for one purpose opens for any: a purpose binds people and programs that obey the rule, not ciphers.
    scene.is_refused(
        telling,
        f"another purpose ({VOCABULARY.purpose(OTHER_PURPOSE).display['en']})",
        Refusal.PURPOSE,
        shared,
        purpose=OTHER_PURPOSE,
        needs_no_key=False,
    )
    if plan.has_dates:
        before = [record for record in scene.source.records if plan.is_before(record)]
        scene.is_refused(
            telling, "records from before the day", Refusal.RECORD_DATE, scene.parcels_of(before), before=True
        )
    scene.is_refused(telling, "the same records", Refusal.NO_GRANT, shared, who=STRANGER)
    scene.presents_anothers_grant(telling, grant)
    _stranger_tries_every_object(scene, telling, grant)

    stage.wait_until(grant.terms.expires_at)
    scene.is_refused(telling, "the same records after expiry", Refusal.EXPIRED, shared, needs_no_key=False, grant=grant)
    stage.patient.rekey()
    publication = scene.publish_more(telling, 1)
    scene.is_refused(telling, "records published after expiry", Refusal.EXPIRED, set(publication.digests), grant=grant)
    telling.counts["refusals"] = len(telling.refusals)
    telling.tell(
        "Class, date and stranger are refused twice: by the chain's rule, and for lack of a key. A purpose is a rule "
        "alone: the keys held for one purpose open for any, so it binds whoever obeys the rule, not the cipher."
    )
    telling.tell(
        f"At {iso(grant.terms.expires_at)} the grant expires, the patient's client changes the keys of the class, and "
        f"what is published since ({counted(publication.records, 'record')} in "
        f"{counted(publication.parcels, 'parcel')}) the clinic can't open. What it could open it still "
        "can if it kept the objects: nobody can take back what was seen."
    )


def clinic_is_revoked(scene: Scene, telling: Telling) -> None:
    """The patient revokes; the hospital publishes more; the clinic opens nothing new with all it ever held."""
    stage = scene.stage
    grant = _grant(scene, _LASTING)
    scene.relayed(telling)
    telling.tell("The patient grants the same once more, and the clinic reads it.")
    _reads_exactly(scene, telling)

    stage.patient.revoke(grant, rekey=False)
    at_once = scene.publish_more(telling, 2)
    telling.require(at_once.pending_rekey, "until keys are changed the hospital seals to the patient alone.")
    scene.is_refused(
        telling, "records published right after the revocation", Refusal.REVOKED, set(at_once.digests), grant=grant
    )
    telling.tell(
        "The patient revokes with one call. Before any key is changed the hospital publishes: it sees that its keys "
        "are older than the revocation, and seals to the patient's own public key."
    )
    stage.patient.rekey()
    afterwards = scene.publish_more(telling, 3)
    telling.require(not afterwards.pending_rekey, "with new keys the hospital seals as before.")
    scene.is_refused(
        telling, "records published under the new keys", Refusal.REVOKED, set(afterwards.digests), grant=grant
    )
    try:
        stage.patient.resume(grant)
        telling.require(False, "a revoked grant can't be resumed, not even by the patient.")
    except Refused as error:
        telling.tell(f"Nobody brings it back: {error.message}")

    new = (*at_once.digests, *afterwards.digests)
    returned = scene.stage.device("tablet").patient.records(subject=scene.subject)
    readable = {item.digest for item in returned} & set(new)
    telling.require(len(readable) == len(set(new)), "the patient reads all of it.")
    compared = scene.source.compare(item.record for item in returned)
    telling.require(compared.is_exact(foreign=len(scene.later)), f"nothing is lost and nothing doubled ({compared}).")
    telling.counts.update(
        published=at_once.records + afterwards.records,
        parcels=len(new),
        clinic_opens=scene.keys_to(stage.clinic, new),
        patient_opens=len(readable),
        refusals=len(telling.refusals),
    )
    telling.tell(
        f"With the keys of both grants the clinic opens {telling.counts['clinic_opens']} of "
        f"{counted(len(new), 'new parcel')}, the patient all {len(readable)}."
    )


def patient_shares_again(scene: Scene) -> None:
    """After the story, on a network that is kept: who plays on finds a grant that lives, not only ended ones."""
    _grant(scene, _LASTING)


def _grant(scene: Scene, lifetime: int) -> Grant:
    plan, stage = scene.plan, scene.stage
    grant = stage.patient.grant(
        stage.clinic.address,
        classes=[plan.shared_code],
        purposes=[PURPOSE],
        until=stage.network.chain.now() + lifetime,
        records_from=plan.first_day if plan.has_dates else None,
        subject=scene.subject,
    )
    scene.grants.append(grant)
    return grant


def _reads_exactly(scene: Scene, telling: Telling) -> int:
    """Lets the clinic read, and compares with what the input says it should get."""
    expected = scene.expected()
    try:
        reading = scene.stage.clinic.read(classes=[scene.plan.shared_code], purpose=PURPOSE, subject=scene.subject)
    except NotPermitted as error:
        telling.require(False, f"the clinic may read what was granted ({error.message})")
        return 0
    scene.seen |= {item.record.reference for item in reading.records}
    got = contents(item.record for item in reading.records)
    telling.require(
        got == contents(expected) and len(reading.records) == len(expected),
        f"the clinic reads exactly the {len(expected):,} records granted (it read {len(reading.records):,}).",
    )
    of_class = sum(record.record_class == scene.plan.shared for record in (*scene.source.records, *scene.later))
    telling.tell(f"The clinic reads exactly {len(expected):,} of the {of_class:,} records of that class.")
    return len(reading.records)


def _stranger_tries_every_object(scene: Scene, telling: Telling, grant: Grant) -> None:
    """The stranger fetches every object there is, as anybody can, and tries every key of its own on it."""
    stranger, network, hospital = scene.stage.stranger, scene.stage.network, scene.stage.hospital
    store, deployment = network.store, network.deployment
    place = Place(deployment.chain_id, deployment.medrec, scene.subject, hospital.address)
    bundle_place = BundleContext(deployment.chain_id, deployment.medrec, scene.subject)
    opened = tried = 0
    own = relationship_node(stranger.root, scene.subject, hospital.address, 1)
    parcels = {item.digest: item.record for item in scene.records}
    for (digest, record), data in zip(parcels.items(), store.get_many(list(parcels)), strict=True):
        fetched = FetchedParcel.verify(data, digest, digest_of=digest_of)
        context = place.context(record.record_class, record.period, 0)
        leaf = derive(own, Path.of_compartment(0, record.record_class, record.period)).key
        assert isinstance(leaf, CompartmentKey)
        for key in (leaf, stranger.key):
            tried += 1
            try:
                open_parcel(fetched, context, key)
                opened += 1
            except (IntegrityError, Refused):
                continue
    index = network.index
    bundles = [item.bundle for item in index.relationships(subject=scene.subject)] + [grant.presented.bundle]
    for digest, kind in zip(bundles, (BundleKind.RELATIONSHIP, BundleKind.GRANT), strict=True):
        tried += 1
        try:
            open_bundle(store.get(digest), bundle_place, stranger.key, kind)
            opened += 1
        except (IntegrityError, Refused):
            continue
    telling.require(opened == 0, f"the stranger opens nothing ({opened} of {tried} attempts succeeded).")
    telling.counts.update(stranger_attempts=tried, stranger_opened=opened)
    telling.tell(
        f"The stranger fetches all {len(parcels):,} parcels and both key bundles, knowing class and year of each, and "
        f"tries {tried:,} times with keys of its own: none opens."
    )
