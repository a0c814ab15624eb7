"""What wallets sign: against the public EIP-712 vectors, and against what the contracts verify."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from chain_world import World, digest, locator
from eth_abi.abi import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrec_py.chain import Account, Call, as_account, grant_id, presented_grant_id, terms_hash
from medrec_py.chain.abi import artifact
from medrec_py.chain.accounts import typed_data_digest
from medrec_py.chain.hashing import keccak
from medrec_py.chain.structs import terms_tuple
from medrec_py.errors import ContractRefusal, InvalidInput
from medrec_py.types.terms import (
    MESSAGE_TYPES,
    NO_LAST_DATE,
    Domain,
    GrantStatus,
    Operation,
    Terms,
    grant_message,
    typed_data,
)

VECTORS = Path(__file__).parents[3] / "node_modules" / "@ethersproject" / "testcases" / "testcases" / "eip712.json.gz"
DOMAIN_FIELDS = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}


@pytest.mark.skipif(not VECTORS.exists(), reason="npm's @ethersproject/testcases is not installed")
def test_all_1025_public_eip_712_vectors_give_their_digest() -> None:
    cases = json.loads(gzip.decompress(VECTORS.read_bytes()))
    signed = 0
    for case in cases:
        domain = [{"name": name, "type": kind} for name, kind in DOMAIN_FIELDS.items() if name in case["domain"]]
        document = {
            "types": {**case["types"], "EIP712Domain": domain},
            "domain": case["domain"],
            "primaryType": case["primaryType"],
            "message": case["data"],
        }
        assert "0x" + typed_data_digest(document).hex() == case["digest"], case["name"]
        if "signature" in case:
            assert "0x" + as_account(case["privateKey"]).sign_typed_data(document).hex() == case["signature"]
            signed += 1
    assert (len(cases), signed) == (1025, 1)


# ── grants are named as the contract names them ──────────────────────────────────────────────────────────────────────

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
words = st.binary(min_size=32, max_size=32)


def numbers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


all_terms = st.builds(
    Terms,
    agent=addresses,
    classes=numbers(64),
    purposes=numbers(64),
    operations=numbers(5).map(Operation),
    starts_at=numbers(64),
    expires_at=numbers(64),
    records_from=numbers(32),
    records_until=numbers(32),
    delegations=numbers(8),
    parent=words,
    condition=addresses,
    vocabulary=words,
    statement=st.text(max_size=200).filter(lambda text: text.isprintable()),
    salt=words,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(all_terms, addresses, addresses, addresses, words)
def test_ids_computed_here_equal_those_of_the_contract(
    world: World, terms: Terms, subject: str, grantor: str, viewer: str, bundle: bytes
) -> None:
    def ask(view: str, *arguments: object) -> bytes:
        function = artifact("MedRec").functions[view]
        call = Call(world.medrec.address, function.encode(*arguments), view)
        return bytes(function.decode(world.chain.call(call))[0])

    hashed = terms_hash(terms)
    assert ask("hashTerms", terms_tuple(terms)) == hashed
    assert ask("grantId", subject, grantor, viewer, bundle, hashed) == grant_id(
        subject, grantor, viewer, bundle, hashed
    )


def test_a_hash_of_another_length_names_no_grant() -> None:
    someone = "0x" + "11" * 20
    with pytest.raises(InvalidInput, match="bundle"):
        grant_id(someone, someone, someone, bytes(31), bytes(32))
    with pytest.raises(InvalidInput, match="terms hash"):
        grant_id(someone, someone, someone, bytes(32), bytes(33))


# ── every signed act is taken by the contract, from its signer only ──────────────────────────────────────────────────


def registration(world: World, signer: Account) -> Call:
    public_key, descriptor = bytes(1216), digest()
    message = {
        "participant": world.viewer.address,
        "previous": world.registrar.registration_of(world.viewer.address),
        "publicKey": public_key,
        "descriptor": descriptor,
    }
    signature = world.sign(signer, "Registration", message)
    return world.registrar.register_with_sig(world.viewer.address, public_key, descriptor, signature)


def opening(world: World, inviter: Account, accepter: Account) -> Call:
    subject, provider = world.patient.address, world.provider.address
    invited = {
        "provider": provider,
        "subject": subject,
        "number": world.medrec.relationship_of(subject, provider).number + 1,
        "expiresAt": world.chain.now() + 1000,
    }
    accepted = {**invited, "bundle": digest()}
    return world.medrec.open(
        subject,
        provider,
        accepted["expiresAt"],
        accepted["bundle"],
        world.sign(inviter, "Invitation", invited),
        world.sign(accepter, "Acceptance", accepted),
    )


def invitation(world: World, signer: Account) -> Call:
    return opening(world, signer, world.patient)


def acceptance(world: World, signer: Account) -> Call:
    return opening(world, world.provider, signer)


def closure(world: World, signer: Account) -> Call:
    subject, provider = world.patient.address, world.provider.address
    number = world.medrec.relationship_of(subject, provider).number
    message = {"subject": subject, "provider": provider, "number": number}
    return world.medrec.close_with_sig(subject, provider, provider, world.sign(signer, "Closure", message))


def anchor(world: World, signer: Account) -> Call:
    digests, locators = [digest(), digest()], [locator(), locator()]
    message = {
        "subject": world.patient.address,
        "author": world.provider.address,
        "head": world.medrec.ledger_head(world.patient.address),
        "digests": digests,
        "locators": b"".join(locators),
    }
    signature = world.sign(signer, "Anchor", message)
    return world.medrec.anchor_with_sig(world.patient.address, world.provider.address, digests, locators, signature)


def retraction(world: World, signer: Account) -> Call:
    subject, author, wrong, replacement = world.patient.address, world.provider.address, digest(), digest()
    head = world.medrec.ledger_head(subject)
    message = {"subject": subject, "author": author, "head": head, "digest": wrong, "replacement": replacement}
    signature = world.sign(signer, "Retraction", message)
    return world.medrec.retract_with_sig(subject, author, wrong, replacement, signature)


def grant(world: World, signer: Account) -> Call:
    presented = world.presented()
    patient, subject = world.patient, world.patient.address
    signature = world.sign(signer, "Grant", grant_message(subject, presented))
    return world.medrec.grant_with_sig(
        subject, patient.address, presented.viewer, presented.bundle, terms_hash(presented.terms), signature
    )


def revocation(world: World, signer: Account) -> Call:
    _, id = world.granted()
    signature = world.sign(signer, "Revocation", {"actor": world.patient.address, "id": id})
    return world.medrec.revoke_with_sig(world.patient.address, id, signature)


def renunciation(world: World, signer: Account) -> Call:
    presented, id = world.granted()
    signature = world.sign(signer, "Renunciation", {"viewer": world.viewer.address, "id": id})
    return world.medrec.renounce_with_sig(
        world.patient.address,
        world.patient.address,
        world.viewer.address,
        presented.bundle,
        terms_hash(presented.terms),
        signature,
    )


def suspension(world: World, signer: Account) -> Call:
    _, id = world.granted()
    signature = world.sign(signer, "Suspension", {"grantor": world.patient.address, "id": id, "turn": 0})
    return world.medrec.suspend_with_sig(world.patient.address, id, signature)


def resumption(world: World, signer: Account) -> Call:
    _, id = world.granted()
    suspended = world.sign(world.patient, "Suspension", {"grantor": world.patient.address, "id": id, "turn": 0})
    world.send(world.medrec.suspend_with_sig(world.patient.address, id, suspended))
    signature = world.sign(signer, "Resumption", {"grantor": world.patient.address, "id": id, "turn": 1})
    return world.medrec.resume_with_sig(world.patient.address, id, signature)


def agent_revocation(world: World, signer: Account) -> Call:
    _, id = world.granted(agent=world.stranger.address)
    signature = world.sign(signer, "AgentRevocation", {"actor": world.viewer.address, "id": id})
    return world.medrec.revoke_agent_with_sig(world.viewer.address, id, signature)


def delegation(world: World, signer: Account) -> Call:
    patient, delegate, until = world.patient.address, world.viewer.address, world.chain.now() + 1000
    turn = world.medrec.delegation_of(patient, delegate).turn
    message = {"subject": patient, "delegate": delegate, "expiresAt": until, "turn": turn}
    signature = world.sign(signer, "Delegation", message)
    return world.medrec.name_delegate_with_sig(patient, delegate, until, signature)


def dismissal(world: World, signer: Account) -> Call:
    patient, delegate = world.patient.address, world.viewer.address
    turn = world.medrec.delegation_of(patient, delegate).turn
    signature = world.sign(signer, "Dismissal", {"subject": patient, "delegate": delegate, "turn": turn})
    return world.medrec.dismiss_delegate_with_sig(patient, delegate, delegate, signature)


def plan(world: World, signer: Account, guardians: bytes | None = None) -> Call:
    owner, root, shares = world.patient.address, guardians or digest(), digest()
    message = {
        "owner": owner,
        "guardians": root,
        "silence": 0,
        "notice": 60,
        "shares": shares,
        "turn": world.guardianship.plan_of(owner).turn,
    }
    signature = world.sign(signer, "Plan", message)
    return world.guardianship.set_plan_with_sig(owner, root, 0, 60, shares, signature)


def life_sign(world: World, signer: Account) -> Call:
    owner = world.patient.address
    turn = world.guardianship.plan_of(owner).turn
    signature = world.sign(signer, "LifeSign", {"owner": owner, "turn": turn})
    return world.guardianship.give_life_sign_with_sig(owner, signature)


def announcement(world: World, signer: Account) -> Call:
    owner, heir, guardian, salt = world.patient.address, world.stranger.address, world.viewer.address, digest()
    leaf = keccak(keccak(encode(["address", "address", "bytes32"], [owner, guardian, salt])))
    world.send(plan(world, world.patient, leaf))
    time.sleep(1.1)  # an announcement in the second of a sign of life does not stand
    turn = world.guardianship.plan_of(owner).turn
    message = {"owner": owner, "heir": heir, "guardian": guardian, "turn": turn}
    signature = world.sign(signer, "Announcement", message)
    return world.guardianship.announce(owner, heir, guardian, salt, [], signature)


def emergency_plan(world: World, signer: Account) -> Call:
    subject, grant_, custody = world.patient.address, digest(), digest()
    turn = world.emergency.prepared_of(subject).turn
    message = {"subject": subject, "grant": grant_, "custody": custody, "turn": turn}
    return world.emergency.prepare_with_sig(subject, grant_, custody, world.sign(signer, "EmergencyPlan", message))


ACTS: dict[str, tuple[Any, str, str]] = {
    "Registration": (registration, "viewer", "Registered"),
    "Invitation": (invitation, "provider", "RelationshipOpened"),
    "Acceptance": (acceptance, "patient", "RelationshipOpened"),
    "Anchor": (anchor, "provider", "Anchored"),
    "Retraction": (retraction, "provider", "Retracted"),
    "Closure": (closure, "provider", "RelationshipClosed"),
    "Grant": (grant, "patient", "Granted"),
    "Revocation": (revocation, "patient", "GrantRevoked"),
    "Renunciation": (renunciation, "viewer", "GrantRenounced"),
    "Suspension": (suspension, "patient", "GrantSuspended"),
    "Resumption": (resumption, "patient", "GrantResumed"),
    "AgentRevocation": (agent_revocation, "viewer", "AgentRevoked"),
    "Delegation": (delegation, "patient", "DelegateNamed"),
    "Dismissal": (dismissal, "viewer", "DelegateDismissed"),
    "Plan": (plan, "patient", "PlanSet"),
    "LifeSign": (life_sign, "patient", "LifeSignGiven"),
    "Announcement": (announcement, "viewer", "RecoveryAnnounced"),
    "EmergencyPlan": (emergency_plan, "patient", "EmergencyPrepared"),
}
NEEDS_NO_RELATIONSHIP = ("Invitation", "Acceptance")


def test_the_table_of_acts_holds_every_message_that_contracts_verify() -> None:
    assert set(ACTS) == set(MESSAGE_TYPES) - {"Terms", "Unlock"}


@pytest.mark.parametrize("primary_type", ACTS)
def test_an_act_is_taken_from_its_signer_by_any_relayer_and_from_nobody_else(
    fresh_world: World, primary_type: str
) -> None:
    world = fresh_world
    make, role, event = ACTS[primary_type]
    world.ensure_provider()
    if primary_type not in NEEDS_NO_RELATIONSHIP:
        world.ensure_open()

    with pytest.raises(ContractRefusal) as refusal:
        world.send(make(world, world.stranger))
    assert type(refusal.value).__name__ == "InvalidSignature"
    assert refusal.value.facts["signer"] == getattr(world, role).address

    receipt = world.send(make(world, getattr(world, role)))
    assert [type(logged.event).__name__ for logged in receipt.events] == [event]


def test_the_unlock_message_is_no_act_of_any_contract() -> None:
    domain = Domain("MedRec", 1, "0x" + "11" * 20)
    data = typed_data(domain, "Unlock", {"account": "0x" + "22" * 20, "statement": "…"})
    assert len(typed_data_digest(data)) == 32


def test_terms_in_another_language_keep_their_id(world: World) -> None:
    presented, id = world.granted(statement="我允许查看化验结果。", records_until=NO_LAST_DATE)
    assert presented_grant_id(world.patient.address, presented) == id
    assert world.medrec.grant_state(world.patient.address, id).status is GrantStatus.ACTIVE
