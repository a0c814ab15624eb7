"""Records by an author who means harm: they are shown as text, run nothing, load nothing, and stop nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from injected_wallet import InjectedWallet
from patient_page import SLOW, PatientPage
from playwright.sync_api import expect
from web_network import WebNetwork, ndjson, observation

NARRATIVE = (
    "<div xmlns='http://www.w3.org/1999/xhtml'><script>window.hacked = 1</script>"
    "<img src='https://third-party.example/pixel.png' onerror='window.hacked = 2'/>"
    "<a href='javascript:window.hacked = 3'>click</a><style>body { display: none }</style>"
    "<iframe src='https://third-party.example/'></iframe><p>the narrative itself</p></div>"
)
SVG = base64.b64encode(
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked = 4'><script>window.hacked = 5</script>"
    b"<image href='https://third-party.example/pixel.svg' width='9' height='9'/></svg>"
).decode()
BIDI = "\u202emoc.elpmaxe\u202c safe \u2066\u200b\u0000\ufeff"
GOOD = observation("good", "2024-06-01", 12.0, code={"text": "A good result"})


def document(id: str, **attachment: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "date": "2024-05-01T00:00:00Z",
        "description": f"Document {id}",
        "content": [{"attachment": attachment}],
    }


HOSTILE = {
    "a script in a narrative": [
        observation(
            "narrative", "2024-05-01", 1, code={"text": "Hostile result"}, text={"status": "x", "div": NARRATIVE}
        )
    ],
    "markup in every text": [
        observation(
            "markup",
            "2024-05-01",
            1,
            code={"text": "<img src=x onerror='window.hacked=6'>Hostile result"},
            note=[{"text": "<script>window.hacked=7</script>"}],
            performer=[{"display": "\"><script>window.hacked=8</script>", "reference": "javascript:window.hacked=9"}],
        )
    ],
    "tricks with the direction of writing": [
        observation("bidi", "2024-05-01", 1, code={"text": f"Hostile result {BIDI}"}, note=[{"text": BIDI * 100}])
    ],
    "pictures that are programs": [
        document("svg", contentType="image/svg+xml", data=SVG, title="Hostile result"),
        document("html", contentType="text/html", data=base64.b64encode(NARRATIVE.encode()).decode(), title="page"),
        document("far", contentType="image/png", url="https://third-party.example/pixel.png", title="elsewhere"),
        document("script", contentType="image/png", url="javascript:window.hacked=10", title="script"),
    ],
    "fifty megabytes of text": [
        observation("long", "2024-05-01", 1, code={"text": "Hostile result"}, note=[{"text": "long " * 10_000_000}])
    ],
    "a name without end": [observation("name", "2024-05-01", 1, code={"text": "Hostile result " + "W" * 1_000_000})],
    "values that are none": [
        observation("values", "9999-12-31", 1e308, code={"text": "Hostile result"}),
        observation("values2", "0001-01-01", -0.0, code={"text": "Hostile result"}, valueQuantity={"value": 10**400}),
        {"resourceType": "Observation", "id": "values3", "status": "final", "code": {"text": "Hostile result"},
         "category": [], "component": [{"code": {}}, {"code": {"text": "x"}, "valueString": "y" * 10_000}] * 500},
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_renders_harmlessly(tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet, kind: str):
    subject = world.admitted(wallet.account)
    world.hospital.publish(subject, ndjson(*HOSTILE[kind]))
    world.hospital.publish(subject, ndjson(GOOD))
    page = tab()
    page.page.on("dialog", lambda dialog: page.complaints.append(f"dialog: {dialog.message}"))
    page.enter().go("records").shows("A good result")
    # Each is opened, and its source as well.
    shown = page.main.get_by_role("listitem").get_by_role("link").count()
    assert shown > len(HOSTILE[kind]) or shown >= 3
    for link in range(min(5, shown)):
        page.go("records")
        expect(page.main.get_by_role("listitem").first).to_be_visible()
        page.main.get_by_role("listitem").get_by_role("link").nth(link).click()
        expect(page.page.locator("#screen-heading")).to_be_visible(timeout=SLOW)
        source = page.page.get_by_text(page.say("record.raw"), exact=True)
        if source.count():
            source.first.click()
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("window.hacked") is None
    assert page.page.evaluate("getComputedStyle(document.body).display") != "none"
    page.go("summary").shows("General Hospital")
    assert page.page.url.startswith(page.url)
    assert len(page.page.context.pages) == 1


def test_tricky_characters_are_made_visible(tab: Callable[..., PatientPage], world: WebNetwork, wallet: InjectedWallet):
    subject = world.admitted(wallet.account)
    world.hospital.publish(subject, ndjson(observation("bidi", "2024-05-01", 1, code={"text": f"Result {BIDI}"})))
    page = tab().enter()
    page.go("records").shows("Result")
    shown = page.main.inner_text()
    assert not any(character in shown for character in "\u202e\u202c\u2066\u200b\u0000\ufeff")
