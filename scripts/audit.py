"""Asks the package registries for known vulnerabilities of what is locked: pip-audit and `npm audit`.

Not every mirror offers this service. Where it does not answer, a notice says so and the check passes, because nothing
is known against the packages; where it answers, an advisory fails the check unless `requirements/advisories.toml`
accepts it with a reason. Each registry is asked about one small lock file first, so that one that does not offer the
service is not asked two hundred times.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / "requirements" / "advisories.toml"
PROBE = "requirements/bootstrap.txt"
LOCKS = ["requirements/dev.txt", "requirements/analysis.txt", "requirements/go.txt", "requirements/node.txt"]
PATIENCE_SECONDS = 240


class Advisory(NamedTuple):
    """One known vulnerability of one locked package."""

    package: str
    version: str
    name: str
    summary: str


class NotOffered(Exception):
    """The registry has no advisory service, or it can't be reached."""


def run_json(command: list[str]) -> tuple[Any, str]:
    """What `command` prints, as JSON, and what it prints beside that.

    Raises:
        NotOffered: The program is missing, takes too long or prints no JSON.
    """
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        return json.loads(done.stdout), done.stderr
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        raise NotOffered(f"{command[0]}: {error}") from error


def python_advisories(lock: str) -> list[Advisory]:
    """Known vulnerabilities of the packages of one requirements file.

    Raises:
        NotOffered: The registry answered for none of them.
    """
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", lock]
    report, _ = run_json([*command, "--format", "json", "--progress-spinner", "off"])
    packages = report["dependencies"]
    if all("skip_reason" in package for package in packages):
        raise NotOffered(packages[0]["skip_reason"] if packages else "no answer")
    return [
        Advisory(package["name"], package["version"], found["id"], found.get("description", "").split("\n")[0][:120])
        for package in packages
        for found in package.get("vulns", [])
    ]


def node_advisories() -> list[Advisory]:
    """Known vulnerabilities of the packages of `package-lock.json`.

    Raises:
        NotOffered: The registry has no advisory service.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotOffered("npm is not on PATH")
    # `audit=false` in .npmrc is about npm's own audit at each installation.
    report, _ = run_json([npm, "audit", "--json", "--audit"])
    if "vulnerabilities" not in report:
        raise NotOffered(str(report.get("message") or report.get("error") or report)[:160])
    return [
        Advisory(package, vulnerability["range"], str(via["url"]).rsplit("/", 1)[-1], via["title"])
        for package, vulnerability in report["vulnerabilities"].items()
        for via in vulnerability["via"]
        if isinstance(via, dict)
    ]


def accepted_advisories() -> dict[str, str]:
    """Reasons by advisory name, from `requirements/advisories.toml`."""
    return dict(tomllib.loads(ACCEPTED.read_text())["accepted"])


def main() -> int:
    """Prints every advisory and every registry that doesn't answer; the exit code is 1 when one isn't accepted."""
    accepted = accepted_advisories()
    found: list[Advisory] = []
    try:
        found += python_advisories(PROBE)
        for lock in LOCKS:
            found += python_advisories(lock)
            print(f"{lock}: asked")
    except NotOffered as reason:
        print(f"NOTICE: no advisories for Python packages, the registry in use does not offer them ({reason}).")
    try:
        found += node_advisories()
        print("package-lock.json: asked")
    except NotOffered as reason:
        print(f"NOTICE: no advisories for npm packages, the registry in use does not offer them ({reason}).")
    refused = [advisory for advisory in found if advisory.name not in accepted]
    for advisory in found:
        verdict = f"accepted: {accepted[advisory.name]}" if advisory.name in accepted else "NOT ACCEPTED"
        print(f"{advisory.package} {advisory.version}: {advisory.name} {advisory.summary} [{verdict}]")
    if refused:
        print("Raise the version (make lock UPGRADE=1), or accept it with a reason in requirements/advisories.toml.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
