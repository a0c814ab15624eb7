"""A lost wallet: guardians together bring the records to a new one, after the time to object and not over a veto."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, observation

from medrec_py.client.guardian import Guardian
from medrec_py.errors import NotOpen

DAY = 86_400


def guardians_of(world: WebNetwork, story: str, count: int = 3) -> list[Guardian]:
    found = []
    for number in range(count):
        guardian = world.network.guardian(world.account())
        guardian.register(name=f"Guardian {number} of {story}")
        found.append(guardian)
    return found


def appoint(page: PatientPage, story: str, count: int = 3) -> None:
    page.part("guardians")
    for number in range(count):
        page.choose(f"Guardian {number} of {story}", "guardians.add")
        page.shows(f"Guardian {number} of {story}")
    page.page.get_by_label(page.say("guardians.noticeField"), exact=True).select_option("3")
    page.button("guardians.review").click()
    page.sign("guardians.appointVerb")
    page.shows(page.say("guardians.stands"))


def begin_recovery(page: PatientPage) -> str:
    """The new wallet shows and registers its address."""
    page.open("#/recover").page.get_by_role("button", name=page.wallet.name).click()
    page.button("recover.beginVerb").click()
    expect(page.button("recover.register")).to_be_visible(timeout=SLOW)
    page.button("recover.register").click()
    page.shows(page.say("recover.registered"))
    return page.wallet.address


def ward_of(guardian: Guardian) -> str:
    (ward,) = guardian.wards()
    return ward.owner


def test_guardians_bring_the_records_to_a_new_wallet(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account, observation("kept", "2024-03-01", 13.5))
    guardians = guardians_of(world, "recovery")
    page = tab().enter()
    appoint(page, "recovery")
    # The wallet is lost. Its owner has a new one, without ether.
    new = tab(InjectedWallet(world.network.chain, name="The new wallet"))
    heir = begin_recovery(new)
    owner = ward_of(guardians[0])
    assert owner not in (wallet.address, heir)
    guardians[0].announce(owner, heir)
    new.button("recover.look").click()
    expect(new.button("recover.complete")).to_be_disabled()
    with pytest.raises(NotOpen):
        guardians[1].release(owner, heir)
    world.travel(3 * DAY + 60)
    guardians[0].release(owner, heir)
    new.button("recover.look").click()
    new.shows(new.say("recover.missing", count=1))
    expect(new.button("recover.complete")).to_be_disabled()
    guardians[1].release(owner, heir)
    new.button("recover.look").click()
    expect(new.button("recover.complete")).to_be_enabled(timeout=SLOW)
    new.button("recover.complete").click()
    expect(new.page.get_by_role("navigation", name=new.say("nav.label"))).to_be_visible(timeout=SLOW)
    new.go("records").shows("Hemoglobin")
    # And on one more device, by the new wallet alone.
    again = tab(new.wallet).enter()
    again.go("records").shows("Hemoglobin")


def test_the_old_wallet_sees_who_asks_and_stops_it_with_one_click(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account, observation("kept", "2024-03-01", 13.5))
    guardians = guardians_of(world, "veto")
    people = {f"Guardian {number} of veto": one.address for number, one in enumerate(guardians)}
    world.patient(wallet.account).guardians.appoint(people, threshold=2, notice=timedelta(days=3))
    thief = world.viewer("Thief")
    owner = ward_of(guardians[0])
    world.travel(1)  # the very second of a sign of life belongs to it
    guardians[0].announce(owner, thief.address)
    page = tab().enter()
    warning = page.main.get_by_role("alert")
    expect(warning).to_contain_text(page.say("takeover.title"), timeout=SLOW)
    expect(warning).to_contain_text("Guardian 0 of veto")
    page.button("takeover.veto").click()
    page.sign("takeover.vetoVerb")
    expect(warning).to_have_count(0, timeout=SLOW)
    world.travel(3 * DAY + 60)
    with pytest.raises(NotOpen):
        guardians[0].release(owner, thief.address)


def test_a_plan_that_was_ended_lets_nobody_announce(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.admitted(wallet.account)
    guardians = guardians_of(world, "ending", 2)
    people = {f"Guardian {number} of ending": one.address for number, one in enumerate(guardians)}
    world.patient(wallet.account).guardians.appoint(people, threshold=2, notice=timedelta(days=3))
    page = tab().enter()
    page.part("guardians").shows(page.say("guardians.plan"), "Guardian 0 of ending")
    page.button("guardians.end").click()
    page.sign("guardians.endVerb")
    page.lacks(page.say("guardians.plan"))
    assert all(guardian.wards() == [] for guardian in guardians)
