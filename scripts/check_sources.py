"""Reads every file that is or would be committed and names what must not be in it.

Three things make a repository unfit for anybody else: the address of the package registry or mirror that one machine
happened to use, a path that exists on one machine only, and a secret. `make check` runs this; it prints each finding
with its place and exits with 1 when there is any.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# Published or project-made test vectors: the private keys in them are meant to be read.
VECTORS = ("tests/vectors/",)

# Hosts are spelled as alternatives, so that this file does not hold what it looks for.
REGISTRY_HOSTS = re.compile(
    r"\b(?:(?:pypi|files\.pythonhosted|test\.pypi|proxy\.golang|sum\.golang|deb\.debian|security\.debian)\.org"
    r"|(?:static|index)\.crates\.io"
    r"|registry\.(?:npmjs\.org|yarnpkg\.com)"
    r"|repo1?\.maven(?:\.apache\.org|\.org))\b"
)
# Names under .example are reserved for documentation (RFC 2606), and one without a dot is nobody's on the Internet.
CREDENTIALS_IN_ADDRESS = re.compile(
    r"\bhttps?://[^/\s:@\"'`<>{}$]+:[^/\s@\"'`<>{}$]+@(?![\w.-]*\bexample\b|127\.)[\w-]+\.\w"
)
MACHINE_PATHS = re.compile(r"(?<![\w.:/~$}*-])/(?:root|work|tmp|Users/\w+|home/\w+|private/var)/[\w.-]")
PRIVATE_KEYS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
    r"|(?i:(?:private|secret)[_ -]?key|mnemonic)[\"']?\s*[:=]\s*[\"'](?:0x)?[0-9a-fA-F]{64}\b"
    r"|\b(?:ghp|gho|github_pat|npm|sk|xox[abp])_[A-Za-z0-9]{30,}|\bpypi-Ag[A-Za-z0-9_-]{30,}|\bAKIA[A-Z0-9]{16}\b"
    r"|_authToken\s*="
)
PATTERNS = {
    "address of a package registry": REGISTRY_HOSTS,
    "user name and password in an address": CREDENTIALS_IN_ADDRESS,
    "path of one machine": MACHINE_PATHS,
    "private key or token": PRIVATE_KEYS,
}


class Finding(NamedTuple):
    """One line that must not be committed."""

    path: str
    line: int
    what: str
    text: str

    def __str__(self) -> str:
        """In the form that editors jump to."""
        return f"{self.path}:{self.line}: {self.what}: {self.text}"


def committed_files(root: Path) -> list[str]:
    """Paths, relative to `root`, of all files that git keeps or would keep."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    )
    return sorted(path for path in set(listing.stdout.split("\0")) if path and (root / path).is_file())


def findings_in(path: str, text: str) -> Iterator[Finding]:
    """What in one file's `text` must not be committed; `path` decides whether it counts as a test vector."""
    for what, pattern in PATTERNS.items():
        if pattern is PRIVATE_KEYS and path.startswith(VECTORS):
            continue
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(path, line, what, text.splitlines()[line - 1].strip()[:100])


def findings_in_locks(root: Path) -> Iterator[Finding]:
    """What the lock files lack: an exact version and a hash for every package."""
    lock = json.loads((root / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        # Those outside node_modules are folders of this project (npm workspaces), which nobody downloads.
        if "node_modules/" in name and not package.get("link") and "integrity" not in package:
            yield Finding("package-lock.json", 1, "package without a hash", name)
    for path in sorted((root / "requirements").glob("*.txt")):
        relative = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("-"):
                yield Finding(relative, number, "option in a lock file", line)
            elif not line.startswith((" ", "#")) and not re.match(r"[a-z0-9._-]+==[^ ]+ (?:; .* )?\\$", line):
                yield Finding(relative, number, "package without an exact version and a hash", line)


def main() -> int:
    """Prints all findings; the exit code is 1 when there is one."""
    findings = list(findings_in_locks(ROOT))
    files = committed_files(ROOT)
    for path in files:
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: compressed vectors and pictures
        findings += findings_in(path, text)
    for finding in findings:
        print(finding)
    print(f"{len(files)} files read, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
