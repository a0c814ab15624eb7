"""How long a patient with 3,000 records waits for the page, on Chromium, Anvil and Kubo.

The time runs from the wallet's last answer (its second signature over the unlocking message, from which all keys are
derived) until the summary stands with all records counted, so with every ledger replayed and every record opened, each
time on a new device with an empty cache. `first` is from going to the page until a wallet can be chosen. The figure
that counts is the median.

Usage: python benchmarks/page.py [--records N] [--repeats N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "web"))

from conftest import CHROMIUM
from injected_wallet import InjectedWallet, attach
from patient_page import PatientPage, words
from web_network import WebNetwork, build_page, medication, ndjson, observation, running

RESULTS = Path(__file__).parent / "results" / "page.json"
LIMIT_SECONDS = 1.0
"""From keys to everything shown."""
YEARS = range(2010, 2025)

_WATCH = """(count) => {
  const looking = new MutationObserver(() => {
    const shown = document.querySelector("main")?.textContent ?? "";
    const isCounted = shown.replaceAll(/[,.\\u202f\\u00a0]/g, "").includes(count);
    if (!window.__shownAt && isCounted) window.__shownAt = performance.now();
  });
  looking.observe(document, { subtree: true, childList: true, characterData: true });
}"""


def records(count: int) -> bytes:
    """Laboratory results, five in six, and prescriptions, spread over the years."""
    made: list[dict[str, Any]] = []
    for number in range(count):
        year = YEARS[number % len(YEARS)]
        day = f"{year}-{number % 12 + 1:02}-{number % 28 + 1:02}"
        if number % 6:
            made.append(observation(f"o{number}", day, 12 + number % 40 / 10))
        else:
            made.append(medication(f"m{number}", day, f"Medicine {number % 50}"))
    return ndjson(*made)


def measured(world: WebNetwork, browser: Browser, wallet: InjectedWallet, count: int) -> dict[str, float]:
    """One arrival on a new device, in seconds."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", service_workers="block")
    attach(context, [wallet])
    page = PatientPage(context.new_page(), world.url, wallet)
    # The tile of the summary: the number, and what it counts.
    tile = f"{count}{words('summary.records')}"
    page.page.add_init_script(f"({_WATCH})({json.dumps(tile)})")
    page.open()
    page.page.get_by_role("button", name=wallet.name).wait_for()
    first = page.page.evaluate("performance.now()")
    page.connect()
    page.button("welcome.unlock").click()
    page.page.wait_for_function("() => window.__shownAt !== undefined", timeout=120_000)
    keys, shown = page.page.evaluate("[window.__walletAnsweredAt, window.__shownAt]")
    assert not page.complaints, page.complaints
    context.close()
    return {"first": round(first / 1000, 3), "shown": round((shown - keys) / 1000, 3)}


def main() -> int:
    """Measures, writes the result, and fails when the page is slower than it may be."""
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if CHROMIUM is None:
        print("There is no Chromium on this machine: nothing was measured.", file=sys.stderr)
        return 1
    build_page()
    with tempfile.TemporaryDirectory() as home, running(Path(home)) as world, sync_playwright() as playwright:
        wallet = InjectedWallet(world.network.chain)
        world.admitted(wallet.account, records(options.records))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        runs = [measured(world, browser, wallet, options.records) for _ in range(options.repeats)]
        browser.close()
    median = statistics.median(run["shown"] for run in runs)
    result = {"records": options.records, "medianSeconds": median, "limitSeconds": LIMIT_SECONDS, "runs": runs}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if median <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
