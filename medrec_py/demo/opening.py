"""Steps 1 to 4: people register, a relationship opens, a whole record is published, another device finds it again."""

from __future__ import annotations

from typing import Any

from medrec_py.chain import MedRecContract
from medrec_py.client import Registrar, Scheduled
from medrec_py.demo.report import Telling
from medrec_py.demo.scene import CLINIC, HOSPITAL, REGISTRAR, STRANGER, Scene
from medrec_py.demo.words import counted
from medrec_py.errors import InvalidInput, Refused
from medrec_py.types.ledger import replay


def people_register(scene: Scene, telling: Telling) -> None:
    """The contracts stand; a hospital, a clinic and a stranger register; hospital and clinic are accredited."""
    stage = scene.stage
    for receipt in stage.deployed.values():
        telling.paid(REGISTRAR, receipt)
    people: dict[str, Any] = {HOSPITAL: stage.hospital, CLINIC: stage.clinic, STRANGER: stage.stranger}
    for name, person in people.items():
        scene.paid(telling, name, person.register(name=name))
    for person in (stage.hospital, stage.clinic):
        scene.paid(telling, REGISTRAR, _accredited(stage.registrar, person.address))
    index = stage.network.index
    index.sync()
    now = stage.network.chain.now()
    accredited = [
        name
        for name, person in people.items()
        if (found := index.accreditation(person.address)) is not None and found.covers(1, now)
    ]
    telling.require(accredited == [HOSPITAL, CLINIC], "hospital and clinic are accredited, and nobody else.")
    contracts = len(stage.network.deployment.addresses)
    telling.counts.update(contracts=contracts, participants=len(people), accredited=len(accredited))
    where = stage.chain_in_words
    telling.tell(f"{contracts} contracts stand on {where}" + ("." if stage.deployed else ", as they did before."))
    telling.tell("A hospital, a clinic and a stranger publish a key each (X-Wing: ML-KEM-768 and X25519).")
    telling.tell("The registrar accredits the hospital and the clinic. The patient registers nowhere.")


def relationship_opens(scene: Scene, telling: Telling) -> None:
    """The hospital invites, the patient's wallet accepts: both consents in one transaction."""
    stage, hospital = scene.stage, scene.stage.hospital
    chain = stage.network.chain
    scene.subject = stage.patient.next_subject()
    try:
        stage.patient.accept(stage.network.provider(stage.stranger_account).invite(scene.subject))
        telling.require(False, "a stranger without accreditation can't open a relationship.")
    except Refused as error:
        telling.tell(f"The stranger invites too, and the chain refuses: {error.message}")
    ether = chain.balance(stage.wallet.address)
    invitation = hospital.invite(scene.subject)
    standing = hospital.relationships()
    telling.require(
        all(item.subject != scene.subject for item in standing), "an invitation leaves nothing on chain by itself."
    )
    stage.patient.accept(invitation)
    scene.relayed(telling)
    opened = [item for item in stage.patient.relationships() if item.subject == scene.subject]
    telling.require(len(opened) == 1 and opened[0].is_open, "exactly one relationship is open.")
    telling.require(chain.balance(stage.wallet.address) == ether, "the patient's wallet pays nothing.")
    telling.require(scene.subject != stage.wallet.address, "the chain does not learn the wallet's address.")
    telling.counts.update(relationships=len(opened), signatures=2)
    telling.tell(f"The hospital signs an invitation to {scene.subject}, an address made for this relationship alone.")
    telling.tell("The wallet accepts; both signatures go on chain in one transaction, sent by a relayer who pays.")


def record_is_published(scene: Scene, telling: Telling) -> None:
    """The hospital publishes the whole record: classified, sealed into parcels, stored, pinned, anchored at once."""
    stage = scene.stage
    publication = stage.hospital.publish(
        scene.subject,
        scene.source.records,
        any_patient=scene.source.any_patient,
        progress=scene.observer.progresses,
    )
    scene.published(telling, publication)
    telling.require(publication.records == len(scene.source.records), "every record is published.")
    problems = stage.network.store.verify_pins(publication.digests)
    telling.require(not problems, f"every parcel is stored and pinned ({len(problems)} are not).")
    telling.counts.update(
        resources=len(scene.source.resources),
        records=publication.records,
        classes=len(publication.by_class),
        by_class=publication.by_class,
        parcels=publication.parcels,
        plain_bytes=publication.plain_bytes,
        sealed_bytes=publication.sealed_bytes,
        notices=len(publication.notices),
    )
    telling.tell(
        f"{counted(publication.records, 'record')} of {scene.source.name} in "
        f"{len(publication.by_class)} of the classes become {counted(publication.parcels, 'sealed parcel')}, "
        "one for each class and year."
    )
    telling.tell(
        f"{publication.plain_bytes:,} bytes of FHIR become {publication.sealed_bytes:,} sealed ones; for each parcel "
        "the chain gets a digest of 32 bytes and a locator of 16, all in one transaction."
    )


def another_device_recovers(scene: Scene, telling: Telling) -> None:
    """A new device with the wallet's key alone rebuilds relationships and records from chain and store."""
    device = scene.stage.device("phone")
    relationships = [item for item in device.patient.relationships() if item.subject == scene.subject]
    scene.records = device.patient.records(subject=scene.subject)
    compared = scene.source.compare(item.record for item in scene.records)
    telling.require(
        [item.provider for item in relationships] == [scene.stage.hospital.address],
        "the device finds the relationship again.",
    )
    telling.require(compared.is_exact(), f"every resource comes back equal, each once ({compared}).")
    ledger = device.network.index.ledger(scene.subject)
    medrec = MedRecContract(device.network.deployment, device.network.chain)
    telling.require(replay(ledger) == medrec.ledger_head(scene.subject), "the ledger replays to the head on chain.")
    telling.counts.update(
        relationships=len(relationships),
        records=len(scene.records),
        resources=compared.wanted,
        equal=compared.equal,
        entries=len(ledger),
    )
    telling.tell(
        "A new device with nothing but the wallet's key asks the wallet for its signature, derives every other key "
        f"from it, and finds {counted(len(relationships), 'relationship')} and {counted(len(ledger), 'entry')} of the "
        "ledger."
    )
    telling.tell(f"{compared.equal:,} of {compared.wanted:,} resources come back equal as JSON values, to the digit.")


def _accredited(registrar: Registrar, participant: str) -> Any:  # noqa: ANN401 (a receipt, narrowed below)
    outcome = registrar.accredit(participant)
    if isinstance(outcome, Scheduled):
        raise InvalidInput(
            f"This deployment accredits only after a delay: {participant} not before {outcome.executable_at}.",
            hint="Use a deployment of your own: leave --deployment out.",
            executable_at=outcome.executable_at,
        )
    return outcome
