"""Contract, SDK and command line have the same verbs: walked, not listed."""

from __future__ import annotations

import inspect

import pytest
from cli_commands import NAMES

from medrec_py.chain.abi import artifact
from medrec_py.client import (
    Custodian,
    Delegates,
    EmergencyAccess,
    Guardian,
    Guardians,
    Moving,
    Patient,
    Provider,
    Registrar,
    Relayer,
    Viewer,
)

ROLES = (Patient, Provider, Viewer, Registrar, Relayer, Guardian, Custodian)
PARTS = (Delegates, Guardians, EmergencyAccess, Moving)
"""What a patient has under a name of its own: `patient.delegates` and so on."""

OTHERWISE_CALLED = {
    (Provider, "resume"): "outbox resume",  # `medrec resume` ends the pause of a grant
    (Provider, "retry"): "outbox retry",
    (Patient, "resume_publications"): "outbox resume",
    (Patient, "retry_publication"): "outbox retry",
    (Provider, "declare_emergency"): "emergency declare",
    (Provider, "emergencies"): "emergency list",
    (Provider, "emergency_records"): "emergency records",
    (Viewer, "delegations"): "delegate list",
    **{
        (Viewer, verb): f"delegate {verb.replace('_', '-')}"
        for verb in ("revoke_for", "suspend_for", "revoke_agent_for", "close_for", "resign", "switches", "announce_for")
    },
    **{(Guardian, verb): f"guardian {verb}" for verb in ("wards", "announce", "release")},
    **{(Custodian, verb): f"emergency {verb}" for verb in ("requests", "release")},
    **{
        (Delegates, verb): f"delegate {verb.replace('_', '-')}"
        for verb in ("name", "dismiss", "list", "after_silence", "switches", "life_sign")
    },
    **{
        (Guardians, verb): f"guardian {verb.replace('_', '-')}"
        for verb in ("appoint", "plan", "life_sign", "end", "recoveries", "recover")
    },
    **{(EmergencyAccess, verb): f"emergency {verb}" for verb in ("prepare", "withdraw", "plans")},
    (EmergencyAccess, "declarations"): "emergency list",
    (Moving, "to"): "move",
}
"""SDK verbs whose command has another name."""

WITHOUT_A_COMMAND = {
    (Provider, "keys"): "gives secrets of the process, which have no business on a terminal",
    (Guardians, "keep_alive"): "is what the patient's client does after acts of its own",
    (Delegates, "keep_alive"): "is what the patient's client does after acts of its own",
    (Relayer, "relay"): "is what --relayer names for every command",
}

CONTRACT_VERBS = {"anchor": "publish", "anchor_parcel": "publish", "anchor_batch": "publish_many", "open": "accept"}
CONTRACT_VERBS |= {"name_delegate": "name", "dismiss_delegate": "dismiss", "set_plan": "appoint"}
CONTRACT_VERBS |= {"give_life_sign": "life_sign", "declare": "declare_emergency"}
"""Functions that the SDK calls by what they mean to people."""

NO_VERB = {
    "multicall": "is how several acts become one transaction",
    "commit_receipts": "belongs to a gateway, which nobody is here yet",
    "prove_life": "shows a grant of the owner's, by anybody: the patient's own client gives signs of life instead",
    "set_authority": "is the Authority's business, which OpenZeppelin's own tools administer",
}


def verbs(role: type) -> list[str]:
    return [name for name, member in inspect.getmembers(role, inspect.isfunction) if not name.startswith("_")]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("role", [*ROLES, *PARTS], ids=lambda role: role.__name__)
def test_every_verb_of_every_role_is_a_command(role: type):
    assert verbs(role)
    for verb in verbs(role):
        if (role, verb) not in WITHOUT_A_COMMAND:
            assert OTHERWISE_CALLED.get((role, verb), verb.replace("_", "-")) in NAMES


def test_nothing_is_excused_that_does_not_exist():
    for role, verb in (*OTHERWISE_CALLED, *WITHOUT_A_COMMAND):
        assert verb in verbs(role)


@pytest.mark.parametrize("contract", ["MedRec", "Registrar", "Guardianship", "Emergency"])
def test_every_function_that_changes_the_chain_is_a_verb_of_a_role(contract: str):
    spoken = {verb for role in (*ROLES, *PARTS) for verb in verbs(role)}
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
    for contract in ("MedRec", "Registrar", "Guardianship", "Emergency"):
        names = {item["name"] for item in artifact(contract).abi if item["type"] == "function"}
        twins = [name for name in names if name.endswith("WithSig")]
        assert twins
        assert all(name.removesuffix("WithSig") in names for name in twins)
