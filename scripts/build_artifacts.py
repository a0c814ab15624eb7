"""Compiles the contracts that are deployed and writes what the SDK ships of them: `medrec_py/chain/artifacts/*.json`.

Run it after every change of a contract: `python scripts/build_artifacts.py`; with `--check` it writes nothing and exits
with 1 when a shipped artifact differs from its source. Settings are those of `foundry.toml`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "medrec_py" / "chain" / "artifacts"
SOURCES = {
    "Authority": "contracts/Authority.sol",
    "Registrar": "contracts/Registrar.sol",
    "MedRec": "contracts/MedRec.sol",
    "WhileAccredited": "contracts/conditions/WhileAccredited.sol",
    "WhileRelated": "contracts/conditions/WhileRelated.sol",
    "Guardianship": "contracts/custody/Guardianship.sol",
    "Emergency": "contracts/custody/Emergency.sol",
}
OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "storageLayout",
]


def compiler_settings() -> dict[str, Any]:
    """The standard-JSON settings that equal those of `foundry.toml`."""
    profile = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    return {
        "remappings": [text for text in profile["remappings"] if text.startswith("@")],
        "evmVersion": profile["evm_version"],
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "viaIR": profile["via_ir"],
        "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
    }


def default_solc() -> Path:
    """The compiler: `$MEDREC_SOLC` (a native one, say), else the wrapper around npm's."""
    return Path(os.environ.get("MEDREC_SOLC") or ROOT / "tools" / "solc.mjs")


def compile_artifacts(solc: Path | None = None) -> dict[str, dict[str, Any]]:
    """Compiles every contract of `SOURCES` and returns its artifact by name."""
    binary = solc or default_solc()
    settings = compiler_settings()
    answer = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {path: {"content": (ROOT / path).read_text()} for path in SOURCES.values()},
            "settings": {**settings, "outputSelection": {path: {"*": OUTPUTS} for path in SOURCES.values()}},
        },
        solc_binary=binary,
        base_path=ROOT,
        allow_paths=[ROOT],
    )
    version = str(solcx.wrapper.get_solc_version(binary, with_commit_hash=True))
    return {
        name: _artifact(name, path, answer["contracts"][path][name], version, settings)
        for name, path in SOURCES.items()
    }


def _artifact(name: str, path: str, compiled: dict[str, Any], version: str, settings: dict[str, Any]) -> dict[str, Any]:
    runtime = compiled["evm"]["deployedBytecode"]
    # solc names an immutable by its number in the syntax tree, which changes with every unrelated edit.
    places = [place for places in runtime["immutableReferences"].values() for place in places]
    return {
        "contract": name,
        "source": path,
        "compiler": version,
        "settings": settings,
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + runtime["object"],
        "immutables": sorted([place["start"], place["length"]] for place in places),
        "storage": {entry["label"]: int(entry["slot"]) for entry in compiled["storageLayout"]["storage"]},
    }


def to_text(artifact: dict[str, Any]) -> str:
    """An artifact as the text of its file."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def stale(artifacts: dict[str, dict[str, Any]]) -> list[str]:
    """Names of the contracts whose shipped artifact differs from what the source compiles to."""
    files = {name: ARTIFACTS / f"{name}.json" for name in artifacts}
    return [
        name
        for name, artifact in artifacts.items()
        if not files[name].exists() or files[name].read_text() != to_text(artifact)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks the artifacts; 0 when they equal the source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when an artifact is stale")
    parser.add_argument("--solc", type=Path, help="compiler to use (default: $MEDREC_SOLC, else tools/solc.mjs)")
    options = parser.parse_args(arguments)

    artifacts = compile_artifacts(options.solc)
    names = stale(artifacts)
    if options.check:
        for name in names:
            print(f"{name}: the shipped artifact is not what {artifacts[name]['source']} compiles to", file=sys.stderr)
        return 1 if names else 0
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for name in names:
        (ARTIFACTS / f"{name}.json").write_text(to_text(artifacts[name]))
        print(f"{name}: written, {len(artifacts[name]['deployedBytecode']) // 2 - 1} bytes of code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
