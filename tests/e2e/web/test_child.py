"""A child: the parent is named, may end and pause in the child's name, until it ends by itself or is dismissed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, observation

from medrec_py.errors import MedRecError, Refused


def name_delegate(page: PatientPage, name: str, until: str) -> None:
    page.part("delegates")
    page.choose(name)
    page.page.get_by_label(page.say("delegates.untilField"), exact=True).fill(until)
    page.button("delegates.review").click()


def test_a_parent_ends_a_sharing_in_the_child_s_name_until_dismissed(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    parent, clinic = world.viewer("Parent"), world.viewer("Clinic of the child")
    subject = world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    name_delegate(page, "Parent", "2031-05-17")
    # Said before it is signed: who, and that the date is rounded so that it tells no birthday.
    assert "Parent" in page.sentence() or parent.address in page.sentence()
    expect(page.dialog).to_contain_text(page.say("caveats.delegate_can_withdraw"))
    page.sign("delegates.nameVerb")
    (delegation,) = [one for one in parent.delegations() if one.subject == subject]
    assert delegation.is_active
    page.shows("Parent")
    page.share("Clinic of the child", "Laboratory")
    (grant,) = [one for one in world.patient(wallet.account).grants() if one.viewer == clinic.address]
    parent.revoke_for(subject, grant.id)
    with pytest.raises(Refused):
        clinic.read(purpose="TREAT")
    # The child sees it, and dismisses the parent.
    page.part("delegates")
    page.button("delegates.dismissLabel", name="Parent").click()
    page.sign("delegates.dismissVerb")
    expect(page.button("delegates.dismissLabel", name="Parent")).to_have_count(0, timeout=SLOW)
    page.share("Clinic of the child", "Laboratory")
    newer = [one for one in world.patient(wallet.account).grants() if one.is_live]
    with pytest.raises(MedRecError):
        parent.revoke_for(subject, newer[0].id)
    assert len(clinic.read(purpose="TREAT").records) == 1


def test_the_authority_ends_on_the_first_of_a_month(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Parent until May")
    world.admitted(wallet.account)
    page = tab().enter()
    name_delegate(page, "Parent until May", "2031-05-17")
    page.sign("delegates.nameVerb")
    (delegation,) = world.patient(wallet.account).delegates.list()
    assert delegation.expires_at == 1_935_360_000  # 2031-05-01T00:00:00Z


def test_an_authority_that_would_end_in_the_past_is_refused_before_anything_is_signed(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Parent too late")
    world.admitted(wallet.account)
    page = tab().enter()
    page.part("delegates")
    page.choose("Parent too late")
    page.page.get_by_label(page.say("delegates.untilField"), exact=True).fill("2020-01-01")
    expect(page.button("delegates.review")).to_be_disabled()
