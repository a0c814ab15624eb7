"""Fails unless the contract tests take every branch and every line of `contracts/`.

Without an argument it runs `forge coverage` first; `python scripts/coverage_gate.py LCOV` reads a report.
The invariant campaigns are left out: what only a random history reaches is not tested on purpose. forge counts one
branch for an `if` without `else`, so that this gate alone would be weak: `scripts/mutate_contracts.py` is its other
half.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / ".build" / "lcov.info"


class Gap(NamedTuple):
    """A line, or a branch that begins at it, that no test takes."""

    file: str
    line: int
    kind: str


def run_coverage() -> None:
    """Writes `REPORT`, with artifacts of its own: coverage compiles without the optimizer."""
    build = ROOT / ".build" / "coverage"
    environment = os.environ | {"FOUNDRY_OUT": str(build / "out"), "FOUNDRY_CACHE_PATH": str(build / "cache")}
    command = ["forge", "coverage", "--report", "lcov", "--report-file", str(REPORT)]
    command += ["--no-match-contract", "InvariantsTest|HistoryTest"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"forge coverage failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def read_gaps(report: str) -> tuple[list[Gap], int, int]:
    """The gaps in an lcov report (`geninfo(1)`: SF file, DA line,hits, BRDA line,block,branch,hits or -).

    Returns:
        The gaps in `contracts/`, and how many branches and lines of it were looked at.
    """
    gaps: list[Gap] = []
    branches = lines = 0
    file = ""
    for record in report.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            file = Path(value).as_posix().removeprefix(f"{ROOT.as_posix()}/")
        if not file.startswith("contracts/") or kind not in ("DA", "BRDA"):
            continue
        fields = value.split(",")
        branches += kind == "BRDA"
        lines += kind == "DA"
        if fields[3 if kind == "BRDA" else 1] in ("0", "-"):
            gaps.append(Gap(file, int(fields[0]), "branch" if kind == "BRDA" else "line"))
    return gaps, branches, lines


def main() -> int:
    """Prints the gaps; 1 when there is one, or when the report has nothing about `contracts/core`."""
    if len(sys.argv) > 1:
        report = Path(sys.argv[1]).read_text()
    else:
        run_coverage()
        report = REPORT.read_text()
    gaps, branches, lines = read_gaps(report)
    for gap in gaps:
        print(f"not taken: {gap.file}:{gap.line} ({gap.kind})")
    if "contracts/core/Grants.sol" not in report or branches == 0:
        print("the report knows nothing of contracts/core: was it written by `forge coverage --report lcov`?")
        return 1
    print(f"coverage: {branches} branches and {lines} lines of contracts/, {len(gaps)} not taken")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
