"""What the page weighs before anybody has done anything, and that nothing of it comes from elsewhere."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable

import httpx
from injected_wallet import InjectedWallet
from patient_page import PatientPage
from playwright.sync_api import Response
from web_network import WebNetwork

FIRST_LOAD_KIB = 250


def test_the_first_load_is_light(tab: Callable[..., PatientPage]):
    page = tab()
    loaded: list[Response] = []
    page.page.on("response", lambda response: loaded.append(response))
    page.open()
    page.page.wait_for_load_state("networkidle")
    sizes = {
        response.url.removeprefix(page.url): len(gzip.compress(response.body(), 9))
        for response in loaded
        if "/rpc" not in response.url
    }
    assert any(name.endswith(".js") for name in sizes)
    assert sum(sizes.values()) <= FIRST_LOAD_KIB * 1024, sizes


def test_every_script_and_style_is_pinned_and_the_policy_is_obeyed(
    tab: Callable[..., PatientPage], wallet: InjectedWallet
):
    page = tab().open()
    page.page.wait_for_load_state("networkidle")
    loads = page.page.evaluate(
        """() => [...document.querySelectorAll("script[src], link[rel=stylesheet], link[rel=modulepreload]")]
          .map((one) => [one.getAttribute("src") ?? one.getAttribute("href"), one.rel ?? "", one.integrity])"""
    )
    later = page.page.evaluate("JSON.parse(document.querySelector('script[type=importmap]').text).integrity")
    assert loads
    for address, kind, integrity in loads:
        # What Vite preloads while the page runs bears no hash of its own: the import map has it (HTML standard).
        hashed = integrity or (kind == "modulepreload" and later[f"./assets/{address.rsplit('/', 1)[-1]}"])
        assert hashed.startswith("sha384-"), address
    # `complaints`, which holds violations of the policy, is looked at when the tab is closed.


def test_the_hashes_are_those_of_what_is_served(world: WebNetwork):
    document = httpx.get(world.url).text
    named = dict(re.findall(r'(?:src|href)="\./([^"]+)"[^>]*integrity="([^"]+)"', document))
    later = json.loads(re.findall(r'<script type="importmap">(.*?)</script>', document)[0])["integrity"]
    named |= {path.removeprefix("./"): integrity for path, integrity in later.items()}
    assert len(named) >= 2
    for path, integrity in named.items():
        content = httpx.get(world.url + path).content
        assert integrity == "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode(), path


def test_a_script_that_was_altered_on_the_way_does_not_run(tab: Callable[..., PatientPage]):
    page = tab()
    page.page.route(
        "**/assets/*.js", lambda route: route.fulfill(body="document.title = 'altered'", content_type="text/javascript")
    )
    page.open()
    page.page.wait_for_load_state("networkidle")
    assert page.page.title() != "altered"
    assert any("integrity" in complaint for complaint in page.complaints)
    page.complaints.clear()


def test_no_inline_script_no_evaluation_and_no_markup_from_text_runs(tab: Callable[..., PatientPage]):
    page = tab().open()
    ran = page.page.evaluate(
        """async () => {
          const ran = (window.ran = []);
          const attempts = [
            () => {
              const script = document.createElement("script");
              script.text = "ran.push('inline')";
              document.head.append(script);
            },
            () => document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="ran.push('handler')">`),
            () => import("data:text/javascript,ran.push('data')"),
            () => import(URL.createObjectURL(new Blob(["ran.push('blob')"], { type: "text/javascript" }))),
            () => setTimeout("ran.push('string')"),
            () => new Function("ran.push('function')")(),
          ];
          for (const attempt of attempts) {
            try {
              await attempt();
            } catch {}
          }
          await new Promise((resolve) => setTimeout(resolve, 100));
          return [attempts.length, ran];
        }"""
    )
    assert ran == [6, []]
    page.complaints.clear()
