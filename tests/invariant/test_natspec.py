"""Everything that can be called, seen or caught of a contract is documented, each parameter by name."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTERFACES = {
    "IRegistrar": "contracts/interfaces/IRegistrar.sol",
    "IRelationships": "contracts/interfaces/IRelationships.sol",
    "IRecords": "contracts/interfaces/IRecords.sol",
    "IGrants": "contracts/interfaces/IGrants.sol",
    "IAccessLog": "contracts/interfaces/IAccessLog.sol",
    "IDelegates": "contracts/interfaces/IDelegates.sol",
    "IGuardianship": "contracts/interfaces/IGuardianship.sol",
    "IEmergency": "contracts/interfaces/IEmergency.sol",
    "IMedRec": "contracts/interfaces/IMedRec.sol",
    "ICondition": "contracts/interfaces/ICondition.sol",
    "SignedActs": "contracts/libraries/SignedActs.sol",
    "WhileAccredited": "contracts/conditions/WhileAccredited.sol",
    "WhileRelated": "contracts/conditions/WhileRelated.sol",
}


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    request = {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text()} for path in INTERFACES.values()},
        "settings": {
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {path: {"*": ["abi", "devdoc", "userdoc"]} for path in INTERFACES.values()},
        },
    }
    done = subprocess.run(
        [str(ROOT / "tools" / "solc.mjs"), "--standard-json", "--base-path", str(ROOT)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    contracts: dict[str, Any] = json.loads(done.stdout)["contracts"]
    return {name: contracts[path][name] for name, path in INTERFACES.items()}


def _type(parameter: dict[str, Any]) -> str:
    """The type as a signature spells it."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_type(part) for part in parameter["components"]) + ")" + kind.removeprefix("tuple")


@pytest.mark.parametrize("name", sorted(INTERFACES))
def test_every_function_event_and_error_says_what_it_is_and_names_its_parameters(
    name: str, compiled: dict[str, Any]
) -> None:
    contract = compiled[name]
    missing = []
    for entry in contract["abi"]:
        if entry["type"] == "constructor" or entry.get("name") == "eip712Domain":
            continue
        group = {"function": "methods", "event": "events", "error": "errors"}[entry["type"]]
        signature = f"{entry['name']}({','.join(_type(parameter) for parameter in entry['inputs'])})"
        user, developer = (contract[kind].get(group, {}).get(signature) for kind in ("userdoc", "devdoc"))
        if entry["type"] == "error":  # of one signature there may be several
            user, developer = (found and found[0] for found in (user, developer))
        if not (user or {}).get("notice"):
            missing.append(f"{signature}: no @notice")
        told = (developer or {}).get("params", {})
        missing += [
            f"{signature}: no @param {p['name']}" for p in entry["inputs"] if p["name"] and p["name"] not in told
        ]
        returned = (developer or {}).get("returns", {})
        outputs = [p["name"] or f"_{position}" for position, p in enumerate(entry.get("outputs", []))]
        missing += [f"{signature}: no @return {output}" for output in outputs if output not in returned]
    # OpenZeppelin's own errors and events come in by inheritance.
    assert [
        line for line in missing if not line.startswith(("InvalidShortString", "StringTooLong", "EIP712Domain"))
    ] == []
