"""An emergency: prepared beforehand, declared in public with a reason, opened by two custodians, seen and stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, observation

from medrec_py.client.custodian import Custodian
from medrec_py.errors import MedRecError, TooFewShares

WHY = "Found unconscious after an accident."


def custodians_of(world: WebNetwork, story: str) -> list[Custodian]:
    found = []
    for number in range(3):
        custodian = world.network.custodian(world.account())
        custodian.register(name=f"Custodian {number} of {story}")
        found.append(custodian)
    return found


def test_two_custodians_open_what_was_prepared_and_the_patient_stops_it(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    custodians = custodians_of(world, "the accident")
    ward = world.provider("Emergency ward", is_accredited=False)
    world.registrar.accredit(ward.address, ("emergency",))
    subject = world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.part("emergency")
    page.button("share.none").click()
    show_all(page)
    page.page.get_by_role("checkbox", name="Laboratory").check()
    for number in range(3):
        page.choose(f"Custodian {number} of the accident", "plan.add")
    page.button("plan.review").click()
    expect(page.dialog).to_contain_text(page.say("caveats.emergency_custodians_together"), timeout=SLOW)
    page.sign("plan.verb")
    page.shows(page.say("plan.stands"))
    ward.declare_emergency(subject, reason=WHY)
    with pytest.raises(TooFewShares):
        ward.emergency_records(subject)
    for custodian in custodians[:2]:
        (request,) = custodian.requests()
        assert request.reason == WHY
        custodian.release(request)
    assert [item.record.reference for item in ward.emergency_records(subject).records] == ["Observation/lab"]
    # The patient comes back, sees who and why and who helped, and ends it.
    page.page.reload()
    page.connect().unlock().go("summary")
    alert = page.main.get_by_role("alert")
    expect(alert).to_contain_text("Emergency ward", timeout=SLOW)
    expect(alert).to_contain_text(WHY)
    page.button("emergency.stop").click()
    page.sign("access.revokeVerb")
    with pytest.raises(MedRecError):
        ward.emergency_records(subject)


def show_all(page: PatientPage) -> None:
    """Brings the classes up of which there are no records yet."""
    more = page.page.get_by_role("button", name="of which you have no records yet")
    if more.count():
        more.click()


def test_without_an_accreditation_for_emergencies_nobody_declares_one(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    custodians = custodians_of(world, "an impostor")
    subject = world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    world.patient(wallet.account).emergency.prepare("laboratory", [one.address for one in custodians])
    with pytest.raises(MedRecError):
        world.hospital.declare_emergency(subject, reason=WHY)
    page = tab().enter()
    expect(page.main.get_by_role("alert")).to_have_count(0)
    page.part("emergency").shows(page.say("plan.stands"))
    # What was prepared is taken back with one click.
    page.button("plan.withdraw").click()
    page.sign("access.revokeVerb")
    page.shows(page.say("plan.none"))
