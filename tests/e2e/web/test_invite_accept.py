"""Invite → accept: the page shows an address, the provider invites it, the patient sees who it is and accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, ndjson, observation


def invitation_text(invitation: object) -> str:
    return json.dumps(invitation.to_json())  # type: ignore[attr-defined]


def show_address(page: PatientPage) -> str:
    """Opens the code for the next provider; gives back the address in it."""
    page.go("people")
    page.button("people.showOwn").click()
    expect(page.page.get_by_role("img", name=page.say("people.ownQr"))).to_be_visible()
    found = re.search(r"0x[0-9a-fA-F]{40}", page.page.locator("code.breakable").inner_text())
    assert found
    return found[0]


def look_at(page: PatientPage, text: str) -> None:
    page.page.get_by_label(page.say("people.paste"), exact=True).fill(text)
    page.button("people.read").click()


def test_a_patient_without_ether_accepts_an_invitation_and_receives_records(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    page = tab().enter()
    subject = show_address(page)
    assert subject != wallet.address, "in private mode nobody learns the wallet's address"
    look_at(page, invitation_text(world.hospital.invite(subject)))
    page.shows("General Hospital", page.say("people.accredited"))
    page.button("people.acceptNow").click()
    assert "General Hospital" in page.sentence() or world.hospital.address in page.sentence()
    page.sign("people.acceptVerb")
    assert [one.provider for one in world.patient(wallet.account).relationships()] == [world.hospital.address]
    assert world.network.chain.balance(wallet.address) == 0
    world.hospital.publish(subject, ndjson(observation("first", "2024-03-01", 13.5)))
    page.page.reload()
    page.connect().unlock().go("records").shows("Hemoglobin")


def test_the_next_provider_meets_another_address(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    first = world.admitted(wallet.account)
    page = tab().enter()
    assert show_address(page) not in (first, wallet.address)


def test_an_invitation_by_somebody_unaccredited_is_warned_of(tab: Callable[..., PatientPage], world: WebNetwork):
    impostor = world.provider("General Hospital", is_accredited=False)
    page = tab().enter()
    look_at(page, invitation_text(impostor.invite(show_address(page))))
    page.shows(page.say("people.notAccredited"), page.say("people.notAccreditedHelp"))


def test_an_invitation_for_somebody_else_is_refused(tab: Callable[..., PatientPage], world: WebNetwork):
    stranger = world.account(0).address
    page = tab().enter()
    page.go("people")
    look_at(page, invitation_text(world.hospital.invite(stranger)))
    alert = page.main.get_by_role("alert")
    expect(alert).to_contain_text(page.say("errors.InvitationNotYours", subject=stranger), timeout=SLOW)
    # Refused when it is read: nobody is asked to accept what can't be accepted.
    expect(page.button("people.acceptNow")).to_have_count(0)


def test_what_is_no_invitation_is_refused_in_words(tab: Callable[..., PatientPage]):
    page = tab().enter()
    page.go("people")
    for nonsense in ("hello", "{}", "[" * 5000, '{"provider": 7}', "<img src=x onerror=alert(1)>"):
        look_at(page, nonsense)
        expect(page.main.get_by_role("alert")).to_be_visible()


def test_closing_a_relationship_takes_the_provider_s_leave_to_write(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    subject = world.admitted(wallet.account)
    page = tab().enter()
    page.go("people")
    page.button("people.closeLabel", name="General Hospital").click()
    page.sign("people.closeVerb")
    page.shows(page.say("people.closed"))
    (relationship,) = [one for one in world.hospital.relationships() if one.subject == subject]
    assert not relationship.is_open
