"""Share → read → revoke: exactly what the sentence says can be read, and after one click nothing new."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, medication, ndjson, observation

from medrec_py.errors import Refused


def references(reading: object) -> set[str]:
    return {item.record.reference for item in reading.records}  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["private", "wallet"])
def test_what_is_shared_is_read_until_it_is_revoked(tab: Callable[..., PatientPage], world: WebNetwork, mode: str):
    # In wallet mode the wallet signs and sends, so it holds ether.
    wallet = InjectedWallet(world.network.chain, [world.account(1 if mode == "wallet" else 0)])
    clinic = world.viewer(f"Clinic of the {mode} story")
    subject = world.admitted(
        wallet.account,
        observation("lab", "2024-03-01", 13.5),
        medication("tablets", "2024-04-01", "Lisinopril"),
        wallet_mode=mode == "wallet",
    )
    page = tab(wallet).enter(mode)
    sentence = page.share(f"Clinic of the {mode} story", "Laboratory")
    assert "aboratory" in sentence
    assert references(clinic.read(purpose="TREAT")) == {"Observation/lab"}
    shown = wallet.signed()[-1]
    assert shown["primaryType"] == ("Grant" if mode == "wallet" else "Unlock")
    if mode == "wallet":
        assert shown["message"]["terms"]["statement"] == sentence
    # One click takes it back.
    page.go("access")
    page.button("access.revoke").first.click()
    page.sign("access.revokeVerb")
    expect(page.main).to_contain_text(page.say("access.none"), timeout=SLOW)
    with pytest.raises(Refused):
        clinic.read(purpose="TREAT")
    # The keys were changed in the same submission: what is published now, the clinic can't open with what it has.
    published = world.hospital.publish(subject, ndjson(observation("later", "2024-05-01", 14.0)))
    assert not any(clinic.can_open(digest, subject=subject) for digest in published.digests)


def test_undo_stands_where_the_sharing_was_just_made(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Clinic that is undone")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.share("Clinic that is undone", "Laboratory")
    page.shows(page.say("access.justShared"))
    page.button("access.undo").click()
    page.sign("access.revokeVerb")
    page.shows(page.say("access.none"))


def test_a_pause_stops_reading_and_resuming_lets_it_go_on(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    clinic = world.viewer("Clinic that pauses")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.share("Clinic that pauses", "Laboratory")
    page.button("access.suspend").first.click()
    page.sign("access.suspendVerb")
    page.shows(page.say("grantState.suspended"))
    with pytest.raises(Refused):
        clinic.read(purpose="TREAT")
    page.button("access.resume").first.click()
    page.sign("access.resumeVerb")
    assert references(clinic.read(purpose="TREAT")) == {"Observation/lab"}


def test_what_was_passed_on_stands_below_it_and_ends_with_it(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    clinic, specialist = world.viewer("Clinic that passes on"), world.viewer("Specialist")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    grant = world.patient(wallet.account).grant(
        clinic.address, classes="laboratory", purposes="TREAT", until="2099-01-01", delegations=1
    )
    clinic.sub_grant(grant, specialist.address, classes="laboratory", purposes="TREAT", until="2099-01-01")
    page = tab().enter()
    page.go("access").shows("Clinic that passes on", "Specialist", page.say("access.passedOn", count=1))
    assert references(specialist.read(purpose="TREAT")) == {"Observation/lab"}
    page.button("access.revoke").first.click()
    page.sign("access.revokeVerb")
    with pytest.raises(Refused):
        specialist.read(purpose="TREAT")


def test_who_has_no_key_can_not_be_shared_with(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    stranger = world.account(0).address
    page = tab().enter()
    page.go("share")
    page.page.get_by_label(page.say("find.label"), exact=True).fill(stranger)
    page.shows(page.say("find.noKey"))
