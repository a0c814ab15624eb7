"""Breaks the contracts in one place at a time and sees whether a contract test notices.

A mutant that no test kills is printed; the exit code is 1 when fewer than 95 % were killed. Mutants that do not compile
are not counted, and those that mean the same as the original stand in `EQUIVALENT` with the reason. The unit tests are
run alone, without the invariant campaigns: they must be strict enough by themselves.

Usage: python scripts/mutate_contracts.py [--only PART_OF_A_PATH] [--every N]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
# A copy to break, so that nobody else sees a broken contract.
COPY = ROOT / ".build" / "mutation"
LOWEST_SCORE = 0.95
SOURCES = (
    "contracts/core/*.sol",
    "contracts/custody/*.sol",
    "contracts/libraries/*.sol",
    "contracts/conditions/*.sol",
    "contracts/Registrar.sol",
)

# What is replaced by what, wherever it stands in code.
REPLACEMENTS: list[tuple[str, tuple[str, ...]]] = [
    (r" == ", (" != ",)),
    (r" != ", (" == ",)),
    (r" < ", (" <= ", " >= ")),
    (r" <= ", (" < ", " > ")),
    (r" > ", (" >= ", " <= ")),
    (r" >= ", (" > ", " < ")),
    (r" && ", (" || ",)),
    (r" \|\| ", (" && ",)),
    (r"!(?=[_a-z])", ("",)),
    (r"\btrue\b", ("false",)),
    (r"\bfalse\b", ("true",)),
    (r" & ", (" | ",)),
    (r" >> ", (" << ",)),
    (r" \* ", (" + ",)),
    (r" - ", (" + ",)),
    (r" \+ ", (" - ",)),
    (r" \+ 1\b", ("",)),
    (r"\b0\b(?!x)", ("1",)),
    (r"\b1\b", ("2",)),
    (r"\b16\b", ("15",)),
    (r"\+\+(?=[a-z])", ("",)),
    (r"\.turn\+\+", (".turn",)),
    (r" restricted ", (" ",)),
    (r"Refusal\.(?!Permitted)\w+", ("Refusal.Permitted", "Refusal.Unknown")),
    (r"GrantStatus\.\w+", ("GrantStatus.None", "GrantStatus.Active", "GrantStatus.Suspended", "GrantStatus.Revoked")),
    (r"Entry\.\w+", ("Entry.Anchor", "Entry.Retract")),
    (r"ROLE_PROVIDER\b", ("2",)),
    (r"ROLE_GATEWAY\b", ("1",)),
    (r"ROLE_EMERGENCY\b", ("1",)),
    (r"\b72 hours\b", ("73 hours",)),
    (r"\b20\b", ("19", "21")),
    (r"_requireSignature\(", ("_requireSignatureOrDelegate(",)),
    (r"_requireSignatureOrDelegate\(", ("_requireSignature(",)),
    (r"\bmsg\.sender\b", ("tx.origin",)),
    (r'(?<=")[A-Z]\w+\(address ', ("Other(address ",)),
    (r"uint32 number", ("uint64 number",)),
]
# Statements that can be left out whole.
STATEMENT = re.compile(
    r"^\s*(?!return\b|bytes|uint|address|bool|using|mapping|struct|event|error|import|GrantState|IRegistrar|for|Request|"
    r"Relationship |Accreditation |IMedRec|IGrants\.|Plan storage|Declaration memory|Preparation memory|\w+: |"
    r"mstore\(words)"
    r"[^/*}{]+;\s*$|^\s*if \(.*\) (revert|return)\b.*;\s*$|^\s*mstore.*$"
)

_BY_CODE = "SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);"
# (line as it stands, mutant): why no test can tell them apart.
EQUIVALENT: dict[tuple[str, str], str] = {
    ("return Refusal.Permitted;", ""): "Permitted is zero, which a function returns that ends without saying what",
    ("if (time == 0 || !related) return false;", "if (time == 1 || !related) return false;"): (
        "a relationship that is one opened after second 0, so nothing is related at time 0; it is said all the same"
    ),
    (f"return signer.code.length != 0 && {_BY_CODE}", f"return signer.code.length != 1 && {_BY_CODE}"): (
        "an account without code answers nothing; looking first only saves the call"
    ),
    (
        "uint32 number = _relationships[subject][provider].number;",
        "uint64 number = _relationships[subject][provider].number;",
    ): "a wider variable holds the same number, and is encoded alike",
}


class Mutant(NamedTuple):
    """One line of one file, broken."""

    file: str
    line: int
    original: str
    broken: str


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a source file, line by line; comments, imports and declarations of errors are left alone."""
    for number, line in enumerate(source.splitlines(), 1):
        if re.match(r"\s*(//|/\*|\*|import|pragma|error|event)", line) or not line.strip():
            continue
        seen = {line}
        candidates = [
            line[: found.start()] + replacement + line[found.end() :]
            for pattern, replacements in REPLACEMENTS
            for found in re.finditer(pattern, line)
            for replacement in replacements
        ]
        if STATEMENT.match(line):
            candidates.append("")
        for broken in candidates:
            if broken not in seen:
                seen.add(broken)
                yield Mutant(file, number, line, broken)


def prepare() -> None:
    """Makes the copy: contracts and tests as they are, packages and compiler by link."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    shutil.copytree(ROOT / "contracts", COPY / "contracts")
    shutil.copytree(ROOT / "tests" / "invariant", COPY / "tests" / "invariant")
    shutil.copy(ROOT / "foundry.toml", COPY)
    for shared in ("node_modules", "tools"):
        (COPY / shared).symlink_to(ROOT / shared)


def run_tests() -> tuple[bool, str]:
    """Whether the contract tests pass in the copy, and what forge wrote."""
    # Linked dynamically, a changed contract does not make forge compile the tests again.
    command = ["forge", "test", "--dynamic-test-linking", "--fail-fast"]
    command += ["--no-match-contract", "InvariantsTest|HistoryTest"]
    environment = os.environ | {"FOUNDRY_OPTIMIZER": "false", "FOUNDRY_FUZZ_RUNS": "100"}
    done = subprocess.run(
        command, cwd=COPY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def main() -> int:
    """Tries every mutant; 1 when too many live."""
    parser = argparse.ArgumentParser(description="Mutation testing of the contracts")
    parser.add_argument("--only", default="", help="mutate only the files whose path contains this")
    parser.add_argument("--every", type=int, default=1, help="try each n-th mutant only")
    chosen = parser.parse_args()

    prepare()
    passed, output = run_tests()
    if not passed:
        sys.exit(f"the contracts' own tests fail, so that nothing can be told from mutants:\n{output[-3000:]}")
    killed, survivors = 0, []
    files = [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]
    for path in files:
        file = path.relative_to(ROOT).as_posix()
        source = (COPY / file).read_text()
        if chosen.only not in file:
            continue
        for mutant in list(mutants_of(file, source))[:: chosen.every]:
            if (mutant.original.strip(), mutant.broken.strip()) in EQUIVALENT:
                continue
            lines = source.splitlines()
            lines[mutant.line - 1] = mutant.broken
            (COPY / file).write_text("\n".join(lines) + "\n")
            passed, output = run_tests()
            if passed:
                survivors.append(mutant)
                print(
                    f"alive: {file}:{mutant.line}\n  - {mutant.original.strip()}\n  + {mutant.broken.strip()}",
                    flush=True,
                )
            elif "Compiler run failed" not in output:
                killed += 1
        (COPY / file).write_text(source)
    total = killed + len(survivors)
    score = killed / total if total else 0.0
    print(f"mutants: {total}, killed {killed} ({score:.1%}), {len(EQUIVALENT)} equivalent ones left out")
    return 0 if score >= LOWEST_SCORE else 1


if __name__ == "__main__":
    sys.exit(main())
