"""The rules of the house that no linter knows: names, layers' quiet, papers that agree with the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import medrec_py
from medrec_py import errors
from medrec_py.errors import ContractRefusal, IntegrityError, InvalidInput, MedRecError, Refused, Unavailable

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "medrec_py"
MODULES = sorted(PACKAGE.rglob("*.py"))
ARTIFACTS = sorted((PACKAGE / "chain" / "artifacts").glob("*.json"))
FAMILIES = (InvalidInput, Refused, IntegrityError, Unavailable)
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "stuff", "lib", "base"}


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *arguments], cwd=ROOT, capture_output=True, text=True
    )


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [Path(path) for path in listing.split("\0") if path and (ROOT / path).exists()]


# ── names and words ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_file_has_a_name_that_says_what_is_in_it():
    vague = [path for path in committed_files() if VAGUE_NAMES & {part.split(".")[0].lower() for part in path.parts}]
    assert vague == []


def test_no_test_imports_a_conftest():
    # There are several: which one it gets depends on which tests ran before.
    guilty = [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"^\s*(from|import) conftest\b", path.read_text(), re.M)
    ]
    assert guilty == []


def documented_things(path: Path) -> Iterator[tuple[str, str | None]]:
    """Everything public in a module, with its docstring."""
    tree = ast.parse(path.read_text())
    where = path.relative_to(ROOT).as_posix()
    yield where, ast.get_docstring(tree)

    def inside(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str | None]]:
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and child.name[0] != "_":
                yield f"{prefix}{child.name}", ast.get_docstring(child)
                if isinstance(child, ast.ClassDef):
                    yield from inside(child, f"{prefix}{child.name}.")

    yield from inside(tree, f"{where}: ")


def test_everything_public_says_what_it_is():
    scripts = [*(ROOT / "scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    silent = [name for path in (*MODULES, *scripts) for name, text in documented_things(path) if not text]
    assert silent == []


def test_what_the_package_exports_is_there_and_documented():
    assert medrec_py.__all__ == sorted(medrec_py.__all__)
    for name in medrec_py.__all__:
        assert inspect.getdoc(getattr(medrec_py, name)), name
    assert set(medrec_py.__all__) == {
        *("MedRec", "Patient", "Provider", "Viewer", "Registrar", "Relayer"),
        *("Grant", "Invitation", "Operation", "Publication", "Reading", "Verification"),
        *("MedRecError", "InvalidInput", "Refused", "IntegrityError", "Unavailable"),
    }
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = medrec_py.nonsense


def test_importing_the_package_does_not_load_the_chain_library():
    program = "import sys, medrec_py, medrec_py.pytest_plugin; sys.exit('web3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_the_pytest_plugin_loads_nothing_else_of_the_package():
    program = """
import sys, pytest
import medrec_py.pytest_plugin
loaded = {name for name in sys.modules if name.startswith('medrec_py.')}
extra = loaded - {'medrec_py.pytest_plugin', 'medrec_py.errors'}
sys.exit(str(extra) if extra else 0)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ── the quiet of keys, sealing, FHIR and types ───────────────────────────────────────────────────────────────────────

CLOCKS = {"now", "today", "utcnow"}


@pytest.mark.parametrize("layer", ["types", "crypto", "fhir", "sealing"])
def test_this_layer_asks_no_clock(layer: str):
    # import-linter sees modules only, and these need the module datetime for dates that are written in records.
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (PACKAGE / layer).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, (ast.Name, ast.Attribute))
        and getattr(node.value, "id", getattr(node.value, "attr", "")) in {"datetime", "date", "time"}
    ]
    assert asked == []


@pytest.mark.parametrize("layer", ["types", "crypto", "fhir", "sealing"])
def test_this_layer_uses_urllib_for_the_parts_of_addresses_only(layer: str):
    # import-linter can't tell urllib.parse from urllib.request.
    text = {path: path.read_text() for path in (PACKAGE / layer).rglob("*.py")}
    assert [
        path for path, source in text.items() if re.search(r"urllib\.request|import urllib$|from urllib import", source)
    ] == []


# ── errors: classes, contracts and the page ──────────────────────────────────────────────────────────────────────────


def all_errors() -> list[type[MedRecError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, MedRecError)]
    return [error for error in found if error not in (MedRecError, *FAMILIES)]


def abi_errors() -> dict[str, str]:
    """Solidity errors of everything deployed: name → signature with types only."""
    found = {}
    for path in ARTIFACTS:
        for item in json.loads(path.read_text())["abi"]:
            if item["type"] == "error":
                found[item["name"]] = f"{item['name']}({','.join(argument['type'] for argument in item['inputs'])})"
    return found


def signature_without_names(signature: str) -> str:
    name, _, arguments = signature.rstrip(")").partition("(")
    return f"{name}({','.join(argument.split()[0] for argument in arguments.split(',') if argument)})"


def test_every_error_belongs_to_exactly_one_family():
    for error in all_errors():
        assert sum(issubclass(error, family) for family in FAMILIES) == 1, error


def test_every_error_says_why_and_what_to_do():
    assert all(inspect.getdoc(error) for error in all_errors())
    without = {error.__name__ for error in all_errors() if not error.default_hint} - {"ContractRefusal"}
    # What a contract says in its own words has no remedy that could be known here.
    without.remove("RevertedWithReason")
    raised = [
        (path.relative_to(ROOT).as_posix(), node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in without
    ]
    silent = [f"{path}:{node.lineno}" for path, node in raised if "hint" not in {word.arg for word in node.keywords}]
    assert silent == []


def test_every_solidity_error_has_its_python_class_and_the_other_way_round():
    assert ARTIFACTS, "scripts/build_artifacts.py writes them"
    classes = {
        error.__name__: error for error in all_errors() if issubclass(error, ContractRefusal) and error.signature
    }
    in_python = {name: signature_without_names(error.signature) for name, error in classes.items()}
    # These two are the language's own; no ABI lists them.
    built_in = {"RevertedWithReason": "Error(string)", "Panicked": "Panic(uint256)"}
    assert in_python == {**abi_errors(), **built_in}


def test_every_message_of_a_contract_names_only_arguments_of_its_error():
    for error in all_errors():
        if issubclass(error, ContractRefusal) and error.sentence:
            named = set(re.findall(r"\{(\w+)", error.sentence))
            arguments = {part.split()[-1] for part in re.findall(r"[^(,)]+", error.signature)[1:]}
            assert named <= arguments, error.__name__


def test_the_page_of_errors_is_what_the_classes_say():
    checked = run_script("make_error_docs.py", "--check")
    assert checked.returncode == 0, checked.stdout


# ── papers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

PAPERS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(paper: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", paper.read_text(), flags=re.DOTALL))
    for link in links:
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        page = (paper.parent / target).resolve() if target else paper
        assert page.exists(), f"{link} in {paper.name}"
        if anchor and page.suffix == ".md":
            titles = re.findall(r"(?m)^#+ (.*)$", page.read_text())
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, link


def test_decisions_are_numbered_once_each_and_say_why():
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [path.name[:4] for path in decisions if path.name[:4].isdigit()]
    assert len(numbers) == len(set(numbers))
    for path in decisions:
        assert re.match(r"\d{4}-[a-z0-9-]+\.md$|README\.md$", path.name), path.name


# ── nothing of one machine ───────────────────────────────────────────────────────────────────────────────────────────


def test_no_file_holds_a_registry_a_machine_path_or_a_secret():
    checked = run_script("check_sources.py")
    assert checked.returncode == 0, checked.stdout


@pytest.fixture
def check_sources(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("check_sources")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--index-url https://py" + "pi.org/simple", "address of a package registry"),
        ('"resolved": "https://registry.np' + 'mjs.org/a/-/a-1.tgz"', "address of a package registry"),
        ("see https://me:secret" + "@mirror.internal/simple", "user name and password in an address"),
        ("open('/ro" + "ot/notes.txt')", "path of one machine"),
        ("cd /ho" + "me/somebody/project", "path of one machine"),
        ("-----BEGIN EC PRIVATE" + " KEY-----", "private key or token"),
        ('private_key = "0x' + 64 * "a" + '"', "private key or token"),
        ("token: ghp" + "_" + 36 * "x", "private key or token"),
    ],
)
def test_the_check_of_sources_finds(check_sources, line: str, what: str):
    assert [finding.what for finding in check_sources.findings_in("docs/a.md", f"fine\n{line}\n")] == [what]


@pytest.mark.parametrize(
    "line",
    [
        "the module github.com/ipfs/kubo",
        "https://user:password@node.example:5001",
        "http://127.0.0.1:8545",
        "`$HOME/.local/state`, /path/to/python3, /etc/ssl, contracts/tmp/x",
        "keccak256 0x" + 64 * "a",
    ],
)
def test_the_check_of_sources_lets_pass(check_sources, line: str):
    assert list(check_sources.findings_in("docs/a.md", line)) == []


def test_the_check_of_sources_reads_keys_in_vectors_as_what_they_are(check_sources):
    line = "-----BEGIN PRIVATE" + " KEY-----"
    assert list(check_sources.findings_in("tests/vectors/hpke.json", line)) == []
    assert list(check_sources.findings_in("tests/unit/test_x.py", line)) != []
