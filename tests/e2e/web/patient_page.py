"""The page as its reader has it: found by role and by the words of the catalogues, never by how it is laid out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from injected_wallet import InjectedWallet
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ROOT / "web" / "src" / "text"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SLOW = 30_000
"""Milliseconds that an act may take from the click to its confirmation."""

Language = Literal["en", "zh"]


def words(key: str, language: Language = "en", **values: object) -> str:
    """A text of the catalogue, such as `act.done`, with its gaps filled; of a singular and plural the plural."""
    found: Any = json.loads((TEXTS / f"{language}.json").read_text())
    for part in key.split("."):
        found = found[part]
    text = str(found)
    if "|" in text:
        singular, plural = text.split("|", 1)
        text = singular if values.get("count") == 1 else plural
    return re.sub(r"\{(\w+)\}", lambda gap: str(values[gap[1]]), text)


@dataclass
class PatientPage:
    """One tab with the page in it, and everything that went wrong in it.

    Attributes:
        page: Playwright's page.
        url: Where the page is served.
        wallet: The wallet that is chosen when none is named.
        language: Whose words are looked for.
        complaints: Errors of scripts, messages of the console and violations of the policy, as they came.
        foreign: Requests to any other origin than the page's own.
    """

    page: Page
    url: str
    wallet: InjectedWallet
    language: Language = "en"
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", self._heard)
        self.page.on("request", self._requested)

    # ── words and places ──

    def say(self, key: str, **values: object) -> str:
        """A text in the reader's language."""
        return words(key, self.language, **values)

    def button(self, key: str, *, within: Locator | None = None, **values: object) -> Locator:
        """The button with these words."""
        return (within or self.page).get_by_role("button", name=self.say(key, **values), exact=True)

    def heading(self, key: str) -> Locator:
        """The heading with these words."""
        return self.page.get_by_role("heading", name=self.say(key), exact=True)

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    @property
    def main(self) -> Locator:
        """Everything between the page's frame."""
        return self.page.get_by_role("main")

    # ── arriving ──

    def open(self, fragment: str = "") -> PatientPage:
        """Goes to the page."""
        self.page.goto(self.url + fragment)
        return self

    def connect(self, wallet: InjectedWallet | None = None) -> PatientPage:
        """Chooses a wallet."""
        chosen = wallet or self.wallet
        self.page.get_by_role("button", name=chosen.name).click()
        expect(self.heading("welcome.open")).to_be_visible()
        return self

    def unlock(self, mode: Literal["private", "wallet"] = "private") -> PatientPage:
        """Signs the unlocking message, and waits for the summary."""
        label = self.say("welcome.private" if mode == "private" else "welcome.walletMode")
        self.page.get_by_role("radio", name=re.compile(re.escape(label))).check()
        self.button("welcome.unlock").click()
        expect(self.page.get_by_role("navigation", name=self.say("nav.label"))).to_be_visible(timeout=SLOW)
        return self

    def enter(self, mode: Literal["private", "wallet"] = "private") -> PatientPage:
        """From nothing to the summary."""
        return self.open().connect().unlock(mode)

    def go(self, section: str) -> PatientPage:
        """Follows the navigation to a section: summary, records, share, access, people."""
        navigation = self.page.get_by_role("navigation", name=self.say("nav.label"))
        navigation.get_by_role("link", name=self.say(f"nav.{section}"), exact=True).click()
        expect(self.page.locator("#screen-heading")).to_be_visible()
        return self

    def part(self, name: str) -> PatientPage:
        """Goes to a part of the people's screen: providers, delegates, guardians, emergency."""
        self.go("people")
        parts = self.page.get_by_role("navigation", name=self.say("people.parts"))
        parts.get_by_role("link", name=self.say(f"people.part.{name}"), exact=True).click()
        return self

    def shows(self, *texts: str) -> PatientPage:
        """Waits until texts stand on the screen."""
        for text in texts:
            expect(self.main).to_contain_text(text, timeout=SLOW)
        return self

    def lacks(self, *texts: str) -> PatientPage:
        """Waits until texts stand nowhere in the page."""
        for text in texts:
            expect(self.page.get_by_text(text)).to_have_count(0)
        return self

    # ── acts ──

    def choose(self, name: str, label: str = "find.label") -> None:
        """Finds somebody by name and takes the one who is found."""
        self.page.get_by_label(self.say(label), exact=True).fill(name)
        self.page.get_by_role("button", name=re.compile(re.escape(name))).click()

    def fill_share(self, viewer: str, *classes: str) -> None:
        """Answers the questions of a sharing up to the sentence: whom, and which classes."""
        self.go("share")
        self.choose(viewer)
        for one in classes:
            self.page.get_by_role("checkbox", name=re.compile(one)).check()
        self.button("share.review").click()
        expect(self.dialog.get_by_role("blockquote")).to_be_visible(timeout=SLOW)

    def share(self, viewer: str, *classes: str) -> str:
        """Shares classes with somebody; gives back the sentence that was signed."""
        self.fill_share(viewer, *classes)
        sentence = self.sentence()
        self.sign("share.sign")
        return sentence

    def sentence(self) -> str:
        """What the open dialog says will be signed."""
        return self.dialog.get_by_role("blockquote").inner_text()

    def sign(self, verb: str) -> None:
        """Presses the button that signs, and waits until the act is confirmed."""
        self.press(verb)
        self.confirmed()

    def press(self, verb: str) -> None:
        """Presses the button that signs."""
        self.button(verb, within=self.dialog).click()

    def confirmed(self) -> None:
        """Waits until the open act is confirmed, and closes its dialog where it did not close by itself."""
        done = self.button("act.done", within=self.dialog)
        expect(done).to_be_visible(timeout=SLOW)
        done.click()
        expect(self.dialog).to_have_count(0)

    def refused(self, code: str, **values: object) -> Locator:
        """Waits until the open act has failed for a reason; gives back its dialog."""
        expect(self.dialog.get_by_role("alert")).to_contain_text(self.say(f"errors.{code}", **values), timeout=SLOW)
        return self.dialog

    # ── what was seen ──

    def violations(self) -> list[str]:
        """What axe finds by the rules of WCAG 2.2 A and AA."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        return self.page.evaluate(  # type: ignore[no-any-return]
            """async () => (await axe.run(document, {
              runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
            })).violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).slice(0, 3).join(" | ")}`)"""
        )

    def is_wider_than_its_window(self) -> bool:
        """Whether it has to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def forgive(self, is_expected: Callable[[str], bool]) -> None:
        """Takes complaints out that a story brings about on purpose."""
        self.complaints = [complaint for complaint in self.complaints if not is_expected(complaint)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _requested(self, request: Request) -> None:
        own, asked = urlsplit(self.url), urlsplit(request.url)
        if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != own.netloc:
            self.foreign.append(request.url)
