"""The descriptors of typed messages say what the contracts verify, and are bound to where those stand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medrec_py.types.terms import MESSAGE_TYPES

ROOT = Path(__file__).resolve().parents[3]
DESCRIPTORS = sorted((ROOT / "web" / "clear-signing").glob("*.json"))


def encode_type(name: str) -> str:
    """EIP-712 `encodeType`."""
    used = [name, *(["Terms"] if name == "Grant" else [])]
    return "".join(f"{one}({','.join(f'{kind} {field}' for field, kind in MESSAGE_TYPES[one])})" for one in used)


def formats() -> dict[str, Any]:
    documents = [json.loads(path.read_text()) for path in DESCRIPTORS]
    return {key: value for document in documents for key, value in document["display"]["formats"].items()}


def bind(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "bind_clear_signing.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_message_that_the_sdk_signs_has_a_descriptor_by_its_very_type():
    assert set(formats()) == {encode_type(name) for name in MESSAGE_TYPES if name != "Terms"}


@pytest.mark.parametrize("path", DESCRIPTORS, ids=lambda path: path.stem)
def test_a_descriptor_is_bound_to_the_contract_of_its_domain(world, tmp_path, path):
    deployment = world.deployment.save(tmp_path / "deployments")
    done = bind(deployment, "--out", tmp_path / "bound")
    assert done.returncode == 0, done.stderr
    before, after = json.loads(path.read_text()), json.loads((tmp_path / "bound" / path.name).read_text())
    contract = world.deployment.addresses[before["metadata"]["contractName"]]
    places = after["context"]["eip712"].pop("deployments")
    assert places == [{"chainId": world.chain.chain_id, "address": contract}]
    assert before["context"]["eip712"].pop("deployments") == []
    assert after == before


def test_what_is_no_deployment_is_refused(tmp_path):
    (tmp_path / "file").write_text("{}")
    for path in (tmp_path / "file", tmp_path / "missing"):
        done = bind(path, "--out", tmp_path / "bound")
        assert done.returncode == 2
        assert str(path) in done.stderr
    assert not (tmp_path / "bound").exists()
