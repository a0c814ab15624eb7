"""Contract, SDK and command line have the same verbs: walked, not listed."""

from __future__ import annotations

import inspect

import pytest
from cli_commands import NAMES

from medrec_py.chain.abi import artifact
from medrec_py.client import Patient, Provider, Registrar, Relayer, Viewer

ROLES = (Patient, Provider, Viewer, Registrar, Relayer)

OTHERWISE_CALLED = {
    (Provider, "resume"): "outbox resume",  # `medrec resume` ends the pause of a grant
    (Provider, "retry"): "outbox retry",
    (Patient, "resume_publications"): "outbox resume",
    (Patient, "retry_publication"): "outbox retry",
}
"""SDK verbs whose command has another name."""

WITHOUT_A_COMMAND = {
    (Provider, "keys"): "gives secrets of the process, which have no business on a terminal",
    (Relayer, "relay"): "is what --relayer names for every command",
}

CONTRACT_VERBS = {"anchor": "publish", "anchor_parcel": "publish", "anchor_batch": "publish_many", "open": "accept"}
"""Functions that the SDK calls by what they mean to people."""

NO_VERB = {
    "multicall": "is how several acts become one transaction",
    "commit_receipts": "belongs to a gateway, which nobody is here yet",
    "set_authority": "is the Authority's business, which OpenZeppelin's own tools administer",
}


def verbs(role: type) -> list[str]:
    return [name for name, member in inspect.getmembers(role, inspect.isfunction) if not name.startswith("_")]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("role", ROLES, ids=[role.__name__ for role in ROLES])
def test_every_verb_of_every_role_is_a_command(role: type):
    assert verbs(role)
    for verb in verbs(role):
        if (role, verb) not in WITHOUT_A_COMMAND:
            assert OTHERWISE_CALLED.get((role, verb), verb.replace("_", "-")) in NAMES


def test_nothing_is_excused_that_does_not_exist():
    for role, verb in (*OTHERWISE_CALLED, *WITHOUT_A_COMMAND):
        assert verb in verbs(role)


@pytest.mark.parametrize("contract", ["MedRec", "Registrar"])
def test_every_function_that_changes_the_chain_is_a_verb_of_a_role(contract: str):
    spoken = {verb for role in ROLES for verb in verbs(role)}
    functions = [
        snake(item["name"])
        for item in artifact(contract).abi
        if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    ]
    assert functions
    for function in functions:
        name = function.removesuffix("_with_sig")
        if name not in NO_VERB:
            assert CONTRACT_VERBS.get(name, name) in spoken, function


def test_every_signed_twin_has_the_act_it_is_the_twin_of():
    for contract in ("MedRec", "Registrar"):
        names = {item["name"] for item in artifact(contract).abi if item["type"] == "function"}
        twins = [name for name in names if name.endswith("WithSig")]
        assert twins
        assert all(name.removesuffix("WithSig") in names for name in twins)
