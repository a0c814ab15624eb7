"""What is shipped in the wheel is what the sources compile to, by whichever compiler's front."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medrec_py.chain.abi import CONTRACTS, artifact

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "node_modules" / "solc").exists(), reason="npm's packages are not installed"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.xdist_group("compiler"),
]


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_artifacts", ROOT / "scripts" / "build_artifacts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compiled(builder: ModuleType) -> dict[str, dict[str, Any]]:
    artifacts: dict[str, dict[str, Any]] = builder.compile_artifacts()
    return artifacts


def test_shipped_artifacts_are_what_the_sources_compile_to(
    builder: ModuleType, compiled: dict[str, dict[str, Any]]
) -> None:
    assert builder.stale(compiled) == [], "run `python scripts/build_artifacts.py`"
    assert tuple(compiled) == CONTRACTS


def test_a_changed_source_is_noticed(builder: ModuleType, compiled: dict[str, dict[str, Any]]) -> None:
    changed = {**compiled, "MedRec": {**compiled["MedRec"], "bytecode": compiled["MedRec"]["bytecode"] + "00"}}
    assert builder.stale(changed) == ["MedRec"]


def in_order(abi: Any) -> list[str]:
    """An ABI with its entries sorted: solc and forge list them differently."""
    return sorted(json.dumps(entry, sort_keys=True) for entry in abi)


def test_forge_compiles_the_same_code(tmp_path: Path, builder: ModuleType) -> None:
    forge = shutil.which("forge") or ROOT / ".tools" / "bin" / "forge"
    if not Path(forge).exists():
        pytest.skip("forge is not installed")
    out = tmp_path / "out"
    subprocess.run(
        [forge, "build", "--root", ROOT, "--out", out, "--cache-path", tmp_path / "cache", *builder.SOURCES.values()],
        check=True,
        capture_output=True,
    )
    for name, source in builder.SOURCES.items():
        built = json.loads((out / Path(source).name / f"{name}.json").read_text())
        assert built["bytecode"]["object"] == "0x" + artifact(name).creation_code.hex(), name
        assert built["deployedBytecode"]["object"] == "0x" + artifact(name).runtime_code.hex(), name
        assert in_order(built["abi"]) == in_order(artifact(name).abi), name


def test_the_check_exits_with_one_when_an_artifact_is_stale(tmp_path: Path) -> None:
    shipped = ROOT / "medrec_py" / "chain" / "artifacts"
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    shutil.copytree(shipped, copy / "medrec_py" / "chain" / "artifacts")
    for name in ("contracts", "node_modules", "tools", "foundry.toml"):
        (copy / name).symlink_to(ROOT / name)
    command = [sys.executable, str(copy / "scripts" / "build_artifacts.py"), "--check"]
    (copy / "medrec_py" / "chain" / "artifacts" / "Registrar.json").write_text("{}\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Registrar" in refused.stderr
    assert "MedRec:" not in refused.stderr
