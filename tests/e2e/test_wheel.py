"""The wheel as others install it: what is in it, and its pytest fixtures in a project that is not this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "uv" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV.exists(), reason="the wheel is built with the tools that `make setup` installs"),
    # One process builds and installs for all tests of this file.
    pytest.mark.xdist_group("wheel"),
]


def run(*command: str | Path, folder: Path, expect: int = 0) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode == expect, said
    return said


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that no file of the clone is touched or gets in by accident."""
    source = tmp_path_factory.mktemp("source")
    for name in ("medrec_py", "pyproject.toml", "README.md", "LICENSE"):
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.exists():
            shutil.copy(path, source / name)
    target = tmp_path_factory.mktemp("wheel")
    run(UV, "-c", f"from setuptools import build_meta; build_meta.build_wheel({str(target)!r})", folder=source)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, what it depends on, and pytest; nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, folder=environment)
    interpreter = environment / "bin" / "python"
    locked = ("--constraint", ROOT / "requirements" / "dev.txt")
    run(ROOT / "scripts/uv.sh", *("pip", "install", "--python", interpreter, *locked, wheel, "pytest"), folder=ROOT)
    return interpreter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody else's project: warnings are errors there."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-config --strict-markers\n"
    )
    return tmp_path


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_holds_everything_that_runs_and_nothing_that_tests(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert {
        *(f"medrec_py/chain/artifacts/{name}.json" for name in ("Authority", "Registrar", "MedRec")),
        *(f"medrec_py/chain/artifacts/{name}.json" for name in ("WhileAccredited", "WhileRelated")),
        *("medrec_py/types/vocabulary.json", "medrec_py/demo/patient.json.gz", "medrec_py/py.typed"),
        "medrec_py/pytest_plugin.py",
    } <= names
    in_clone = {path.relative_to(ROOT).as_posix() for path in (ROOT / "medrec_py").rglob("*") if path.is_file()}
    assert {name for name in in_clone if "__pycache__" not in name} <= names
    assert {name.split("/")[0] for name in names} - {"medrec_py"} == {wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    assert "medrec = medrec_py.cli:main" in entry_points
    assert "medrec = medrec_py.pytest_plugin" in entry_points


def test_its_dependencies_are_enough_and_agree(python: Path, tmp_path: Path):
    run(ROOT / "scripts/uv.sh", "pip", "check", "--python", python, folder=tmp_path)
    modules = "import pkgutil, importlib, medrec_py\n" + (
        "for module in pkgutil.walk_packages(medrec_py.__path__, 'medrec_py.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
    )
    run(python, "-c", modules, folder=tmp_path)


def test_the_package_runs_from_where_it_is_installed(python: Path, tmp_path: Path):
    where = run(python, "-c", "import medrec_py; print(medrec_py.__file__)", folder=tmp_path).strip()
    assert Path(where).is_relative_to(python.parent.parent)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    found = run(python, "-c", "from importlib.metadata import version; print(version('medrec-py'))", folder=tmp_path)
    assert found.strip() == version


# ── the pytest plugin ────────────────────────────────────────────────────────────────────────────────────────────────

STORY = """\
import json

import pytest

from medrec_py import Refused

BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p"}},
        {
            "resource": {
                "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "potassium"},
                "category": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory",
                }]}],
                "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2024-05-06",
            }
        },
    ],
}


def test_what_was_granted_is_read_and_nothing_else(
    medrec_hospital, medrec_patient, medrec_subject, medrec_clinic, medrec_stranger
):
    medrec_hospital.publish(medrec_subject, json.dumps(BUNDLE).encode())
    assert len(medrec_patient.records()) == 2
    medrec_patient.grant(medrec_clinic.address, classes=["laboratory"], purposes=["TREAT"])
    read = medrec_clinic.read(classes=["laboratory"], purpose="TREAT")
    assert [item.record.reference for item in read.records] == ["Observation/o"]
    with pytest.raises(Refused):
        medrec_stranger.read(subject=medrec_subject, classes=["laboratory"], purpose="TREAT")
"""


def test_another_projects_test_has_a_network_with_roles(python: Path, project: Path):
    (project / "test_story.py").write_text(STORY)
    assert "1 passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=project)


NETWORKS = """
seen = []

def test_one(medrec_network, medrec_patient): seen.append((medrec_network, medrec_patient))

def test_two(medrec_network, medrec_patient): seen.append((medrec_network, medrec_patient))

def test_compare(): print("shared:", seen[0][0] is seen[1][0], seen[0][1] is seen[1][1])
"""


@pytest.mark.parametrize(
    ("arguments", "setting", "shared"),
    [
        ((), "", "shared: False False"),
        (("--medrec-scope", "session"), "", "shared: True True"),
        ((), "medrec_scope = module\n", "shared: True True"),
        (("--medrec-scope", "function"), "medrec_scope = module\n", "shared: False False"),
    ],
)
def test_how_long_a_network_serves_is_up_to_the_project(
    python: Path, project: Path, arguments: tuple[str, ...], setting: str, shared: str
):
    (project / "test_networks.py").write_text(NETWORKS)
    with (project / "pytest.ini").open("a") as ini:
        ini.write(setting)
    assert shared in run(python, "-m", "pytest", "-q", "-s", *arguments, folder=project)


def test_a_scope_that_does_not_exist_is_named(python: Path, project: Path):
    (project / "test_networks.py").write_text(NETWORKS)
    with (project / "pytest.ini").open("a") as ini:
        ini.write("medrec_scope = forever\n")
    assert "'forever'; it must be one of" in run(python, "-m", "pytest", "-q", folder=project, expect=4)


UNUSED = """
import sys

def test_nothing_of_the_package_was_loaded_but_the_plugin():
    loaded = {name for name in sys.modules if name.startswith("medrec_py")}
    assert loaded <= {"medrec_py", "medrec_py.errors", "medrec_py.pytest_plugin"}
    assert not {"web3", "eth", "cryptography", "sqlalchemy"} & set(sys.modules)
"""


def test_a_run_that_uses_none_of_it_loads_none_of_it_and_warns_of_nothing(python: Path, project: Path):
    (project / "test_unused.py").write_text(UNUSED)
    # web3 and hypothesis bring plugins of their own, which are not the subject.
    said = run(python, "-m", "pytest", "-q", "-p", "no:pytest_ethereum", folder=project)
    assert "1 passed" in said
    assert "warning" not in said.lower()


def test_every_fixture_explains_itself(python: Path, project: Path):
    said = run(python, "-m", "pytest", "--fixtures", folder=project)
    for name in ("network", "registrar", "hospital", "clinic", "stranger", "patient", "subject"):
        assert f"medrec_{name}" in said
    section = said.split("fixtures defined from medrec_py.pytest_plugin")[1]
    assert "no docstring available" not in section.split("fixtures defined")[0]
