"""Servers that lie: a gateway that returns other bytes, a node that leaves entries out. Nothing of it is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from injected_wallet import InjectedWallet
from patient_page import PatientPage
from playwright.sync_api import Route
from web_network import WebNetwork, medication, ndjson, observation

from medrec_py.storage import Cid

RAW = "application/vnd.ipld.raw"


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"\0" * 1000,
        b"<!doctype html><script>window.ran = true</script>",
        b"{}",
        b"\xff" * (8 << 20),
    ],
    ids=["nothing", "zeros", "a page", "JSON", "far too much"],
)
def test_other_bytes_than_were_asked_for_are_refused(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet, lie: bytes
):
    subject = world.admitted(wallet.account)
    (digest,) = world.hospital.publish(subject, ndjson(observation("lab", "2024-03-01", 13.5))).digests
    world.hospital.publish(subject, ndjson(medication("tablets", "2024-04-01", "Lisinopril")))
    page = tab()
    page.page.route(f"**/ipfs/{Cid.raw(digest)}**", lambda route: route.fulfill(status=200, body=lie, content_type=RAW))
    page.enter().shows(page.say("faults.tampered_object"))
    page.go("records").shows("Lisinopril")
    page.lacks("Hemoglobin")
    assert page.page.evaluate("window.ran") is None


def test_one_whole_object_in_the_place_of_another_is_refused(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    subject = world.admitted(wallet.account)
    (first,) = world.hospital.publish(subject, ndjson(observation("lab", "2024-03-01", 13.5))).digests
    (second,) = world.hospital.publish(subject, ndjson(medication("tablets", "2024-04-01", "Lisinopril"))).digests
    other = world.network.store.get(second)
    page = tab()
    page.page.route(
        f"**/ipfs/{Cid.raw(first)}**", lambda route: route.fulfill(status=200, body=other, content_type=RAW)
    )
    page.enter().shows(page.say("faults.tampered_object"))
    page.go("records").shows("Lisinopril")
    page.lacks("Hemoglobin")


def test_a_node_that_leaves_an_entry_out_is_found_out_by_the_head_of_the_ledger(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    subject = world.admitted(wallet.account)
    world.hospital.publish(subject, ndjson(observation("lab", "2024-03-01", 13.5)))
    world.hospital.publish(subject, ndjson(medication("tablets", "2024-04-01", "Lisinopril")))
    hidden = "0x" + subject[2:].lower().rjust(64, "0")
    left_out: list[dict[str, Any]] = []

    def lie(route: Route) -> None:
        answer = route.fetch()
        told = json.loads(answer.text())
        for one in told if isinstance(told, list) else [told]:
            if isinstance(one.get("result"), list):
                ours = [log for log in one["result"] if hidden in log.get("topics", [])]
                # The last thing that was anchored for this subject never happened, says the node.
                if ours:
                    left_out.append(ours[-1])
                    one["result"].remove(ours[-1])
        route.fulfill(response=answer, body=json.dumps(told))

    page = tab()
    page.page.route("**/rpc", lie)
    page.enter().shows(page.say("faults.ledger_mismatch"))
    assert left_out


def test_a_store_that_answers_with_another_name_for_what_was_stored_is_found_out(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet
):
    world.viewer("Clinic of the lying store")
    world.admitted(wallet.account, observation("lab", "2024-03-01", 13.5))
    page = tab().enter()
    page.page.route(
        "**/objects",
        lambda route: route.fulfill(
            status=201, body=json.dumps({"cid": str(Cid.raw(bytes(32)))}), content_type="application/json"
        ),
    )
    page.go("share")
    page.choose("Clinic of the lying store")
    page.page.get_by_role("checkbox", name="Laboratory").check()
    page.button("share.review").click()
    sign = page.button("share.sign", within=page.dialog)
    alert = page.dialog.get_by_role("alert")
    sign.or_(alert).first.wait_for()
    if sign.count():
        sign.click()
    alert.wait_for()
    assert world.patient(wallet.account).grants() == []
