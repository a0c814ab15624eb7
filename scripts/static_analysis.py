"""Runs slither over the contracts and compares what it finds with what `slither.findings.toml` explains.

A finding that the file doesn't explain fails the check, and so does an explanation that no finding needs any more: what
is written down is then always all there is to know.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXPLANATIONS = ROOT / "slither.findings.toml"


class Finding(NamedTuple):
    """What slither says, by detector and by the function or variable it is about."""

    detector: str
    where: str
    description: str


def findings() -> list[Finding]:
    """Everything slither finds in `contracts/`; libraries of others and tests are left out."""
    # slither begins with `forge clean`: it gets folders of its own, or it would wipe what a test run is using.
    environment = os.environ | {
        "FOUNDRY_OUT": str(ROOT / ".build" / "slither" / "out"),
        "FOUNDRY_CACHE_PATH": str(ROOT / ".build" / "slither" / "cache"),
    }
    with tempfile.TemporaryDirectory() as folder:
        report_path = Path(folder) / "report.json"
        done = subprocess.run(
            [
                str(ROOT / ".venv-analysis" / "bin" / "slither"),
                *(".", "--filter-paths", "node_modules/|tests/", "--json", str(report_path)),
            ],
            cwd=ROOT,
            env=environment | {"PATH": f"{ROOT / '.tools' / 'bin'}{os.pathsep}{environment['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        # Any finding makes slither exit with 255, so only the report tells success from failure.
        report: dict[str, Any] = {"success": False}
        if report_path.exists():
            report = json.loads(report_path.read_text())
    if not report["success"]:
        sys.exit(f"slither could not read the contracts:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return sorted({finding(result) for result in report["results"].get("detectors", [])})


def finding(result: dict[str, Any]) -> Finding:
    """One result of slither's JSON report, placed at the innermost function or variable that it names first."""
    element = result["elements"][0]
    owner = element.get("type_specific_fields", {}).get("parent", {})
    names = [element["name"]]
    while owner and owner["type"] in ("function", "contract"):
        names.insert(0, owner["name"])
        owner = owner.get("type_specific_fields", {}).get("parent", {})
    return Finding(result["check"], ".".join(names), result["description"].strip())


def main() -> int:
    """Prints findings and explanations that have no counterpart; the exit code is 1 when there is one."""
    explained: dict[str, dict[str, str]] = tomllib.loads(EXPLANATIONS.read_text())
    used: set[tuple[str, str]] = set()
    unexplained = []
    for found in findings():
        place = next((place for place in (found.where, "*") if place in explained.get(found.detector, {})), None)
        if place is None:
            unexplained.append(found)
        else:
            used.add((found.detector, place))
    stale = sorted({(d, place) for d, places in explained.items() for place in places} - used)
    for found in unexplained:
        print(f"unexplained: [{found.detector}] {found.where}\n{found.description}\n")
    for detector, place in stale:
        print(f"explained but no longer found: [{detector}] {place}: delete it from {EXPLANATIONS.name}")
    print(
        f"slither: {len(used)} explained, {len(unexplained)} unexplained, {len(stale)} explanations without a finding"
    )
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())
