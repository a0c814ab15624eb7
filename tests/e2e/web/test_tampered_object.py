"""Objects that were changed or lost in the store: named loudly, never opened, and the rest is shown all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, medication, ndjson, observation

from medrec_py.storage import Cid


def published(world: WebNetwork, wallet: InjectedWallet) -> tuple[str, bytes]:
    """Two publications, each one parcel; gives back the subject and the digest of the first, the laboratory's."""
    subject = world.admitted(wallet.account)
    first = world.hospital.publish(subject, ndjson(observation("lab", "2024-03-01", 13.5)))
    world.hospital.publish(subject, ndjson(medication("tablets", "2024-04-01", "Lisinopril")))
    (digest,) = first.digests
    return subject, digest


def block_file(world: WebNetwork, digest: bytes) -> Path:
    """Where Kubo keeps a block."""
    (found,) = [
        path for path in world.ipfs_folder.rglob("*.data") if hashlib.sha256(path.read_bytes()).digest() == digest
    ]
    return found


def is_of_the_store(complaint: str) -> bool:
    return "Failed to load resource" in complaint


def test_a_changed_object_is_named_and_not_opened(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    _, digest = published(world, wallet)
    file = block_file(world, digest)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    page = tab().enter()
    page.shows(page.say("verified.bad", count=1))
    page.go("records").shows("Lisinopril")
    page.lacks("Hemoglobin")
    page.forgive(is_of_the_store)


def test_a_lost_object_is_named_and_shown_once_it_is_back(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    _, digest = published(world, wallet)
    kept = world.network.store.get(digest)
    world.network.store.remove(Cid.raw(digest))
    page = tab().enter()
    page.shows(page.say("faults.missing_object"))
    page.go("records").shows("Lisinopril")
    world.network.store.put(kept)
    page.go("summary")
    page.button("verified.again").click()
    expect(page.main).to_contain_text(page.say("verified.good"), timeout=SLOW)
    page.go("records").shows("Hemoglobin")
    page.forgive(is_of_the_store)
