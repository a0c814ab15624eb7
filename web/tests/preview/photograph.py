"""Photographs the preview's screens, and counts what axe finds on them.

`python tests/preview/photograph.py FOLDER [NAME…]`: NAME is a screen, or part of a variant such as `320-dark-en`.

Needs the preview's server: `npx vite -c tests/preview/vite.config.ts`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

BASE = "http://localhost:5179/tests/preview/"
AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = {
    "welcome": "",
    "choose": "",
    "unlock": "connected",
    "wrong-chain": "connected&scene=wrong%20chain",
    "summary": "unlocked",
    "summary-empty": "unlocked&scene=empty",
    "summary-fault": "unlocked&scene=fault",
    "summary-takeover": "unlocked&scene=takeover",
    "summary-emergency": "unlocked&scene=emergency",
    "records": "unlocked#/records",
    "series": "unlocked#/records?view=series",
    "record-note": "unlocked#/records?class=12",
    "hostile": "unlocked&scene=hostile#/records",
    "share": "unlocked#/share",
    "access": "unlocked&scene=emergency#/access",
    "people": "unlocked#/people",
    "delegates": "unlocked#/people/delegates",
    "guardians": "unlocked#/people/guardians",
    "emergency": "unlocked&scene=emergency#/people/emergency",
    "recover": "connected#/recover",
    "settings": "unlocked#/settings",
    "dialog": "unlocked#/access",
    "dialog-failed": "unlocked&scene=relayer%20down#/access",
    "dialog-confirmed": "unlocked#/access",
    "shared": "unlocked#/share",
    "share-errors": "unlocked#/share",
    "key-file": "connected&scene=unsteady%20wallet",
    "invitation": "unlocked#/people",
}
SIZES = {1280: 900, 768: 1000, 320: 700}


def pages(browser: Browser) -> Iterator[tuple[str, Page]]:
    """One page for each width, colour scheme and language."""
    for width, height in SIZES.items():
        for scheme, language in (("light", "en"), ("dark", "en"), ("light", "zh")):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                locale="zh-CN" if language == "zh" else "en-GB",
                reduced_motion="reduce",
            )
            yield f"{width}-{scheme}-{language}", context.new_page()
            context.close()


def open_screen(page: Page, name: str, language: str) -> None:
    """Goes to a screen of the preview and waits until it stands."""
    query, _, fragment = SCREENS[name].partition("#")
    page.goto("about:blank")
    page.goto(f"{BASE}?lang={language}&{query}#{fragment}")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#screen-heading")
    if name == "series":
        page.locator(".series").first.click()
    if name == "record-note":
        page.locator(".record").first.click()
        page.wait_for_selector(".crumb")
    if name == "recover":
        page.get_by_role("button").filter(has=page.locator("svg")).last.click()
        page.wait_for_selector(".qr")
    if name in STEPS:
        STEPS[name](page)
    page.wait_for_timeout(120)


def withdraw(page: Page) -> None:
    """Opens the dialog that ends somebody's access."""
    page.locator(".grant .withdraw").first.click()
    page.wait_for_selector(".sentence")
    page.locator(".dialog summary").click()


def sign(page: Page) -> None:
    """Signs in the dialog and waits for what becomes of it."""
    withdraw(page)
    page.locator(".dialog .primary").click()
    page.wait_for_selector(".dialog .notice")


def share(page: Page) -> None:
    """Shares with the first provider that is found."""
    page.locator(".find input").fill("hospital")
    page.locator(".found-party").first.click()
    page.locator(".choices.grid label").first.click()
    page.locator(".submit-row .primary").click()
    page.wait_for_selector(".sentence")
    page.locator(".dialog .primary").click()
    page.wait_for_selector(".dialog .notice.good")
    page.locator(".dialog .primary").click()
    page.wait_for_selector("main > .notice.good")


def invite(page: Page) -> None:
    """Shows the patient's own code and reads an invitation."""
    page.locator(".columns .primary").first.click()
    page.wait_for_selector(".qr")
    page.locator("textarea").fill("{}")
    page.locator("form .primary").click()
    page.wait_for_selector(".pending")


STEPS: dict[str, Callable[[Page], object]] = {
    "dialog": withdraw,
    "dialog-failed": sign,
    "dialog-confirmed": sign,
    "shared": share,
    "share-errors": lambda page: page.locator(".submit-row .primary").click(),
    "key-file": lambda page: (page.locator("form .wide").click(), page.wait_for_selector(".key-file")),
    "invitation": invite,
}


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds, by the rules of WCAG 2.2 A and AA and its best practices."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=str(AXE))
    found: list[dict[str, Any]] = page.evaluate(
        """async tags => (await axe.run({runOnly: tags})).violations.map(fault => ({
            id: fault.id, help: fault.help,
            nodes: fault.nodes.slice(0, 4).map(node => node.html.slice(0, 160) + node.failureSummary.slice(0, 300)),
        }))""",
        ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    )
    return found


def main() -> None:
    """Goes through every variant of every screen asked for."""
    folder, *wanted = sys.argv[1:]
    only = [name for name in wanted if name in SCREENS] or list(SCREENS)
    variants = [name for name in wanted if name not in SCREENS]
    Path(folder).mkdir(parents=True, exist_ok=True)
    total = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for variant, page in pages(browser):
            if variants and not any(part in variant for part in variants):
                continue
            page.on("pageerror", lambda error: print("page error:", error))
            page.on("console", lambda message: message.type == "error" and print("console:", message.text[:300]))
            for name in only:
                open_screen(page, name, variant[-2:])
                page.screenshot(path=f"{folder}/{name}-{variant}.png", full_page=True)
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    print(f"{name} {variant}: wider than the window")
                for fault in violations(page):
                    total += 1
                    print(f"{name} {variant}: {fault['id']}: {fault['help']}", *fault["nodes"], sep="\n    ")
        browser.close()
    print(f"{total} violations")


if __name__ == "__main__":
    main()
