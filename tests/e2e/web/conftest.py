"""Chromium, the network with its page, and tabs that complain about anything unexpected when a story ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from injected_wallet import InjectedWallet, attach
from patient_page import PatientPage
from playwright.sync_api import Browser, sync_playwright
from web_network import WebNetwork, build_page, running

from medrec_py.errors import ServerMissing

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All stories share a browser and a network, so one process tells them."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.xdist_group("web"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # As root, which build machines often are, Chromium's sandbox does not start.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebNetwork]:
    build_page()
    try:
        with running(tmp_path_factory.mktemp("web")) as network:
            yield network
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def wallet(world: WebNetwork) -> InjectedWallet:
    """The patient's wallet: one new account without ether."""
    return InjectedWallet(world.network.chain)


@pytest.fixture
def tab(world: WebNetwork, browser: Browser, wallet: InjectedWallet) -> Iterator[Callable[..., PatientPage]]:
    """Opens tabs, each a device of its own: `tab()`, `tab(other_wallet, third_wallet, language="zh", width=320)`."""
    opened: list[tuple[PatientPage, Any]] = []

    def open_tab(
        *wallets: InjectedWallet,
        language: str = "en",
        width: int = 1280,
        height: int = 900,
        is_dark: bool = False,
        url: str | None = None,
    ) -> PatientPage:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            service_workers="block",
        )
        context.set_default_timeout(15_000)
        used = list(wallets or (wallet,))
        attach(context, used)
        page = PatientPage(context.new_page(), url or world.url, used[0], "zh" if language == "zh" else "en")
        opened.append((page, context))
        return page

    yield open_tab
    complaints = [complaint for page, _ in opened for complaint in page.complaints]
    foreign = [url for page, _ in opened for url in page.foreign]
    for _, context in opened:
        context.close()
    assert complaints == []
    assert foreign == [], "requests to third parties"
