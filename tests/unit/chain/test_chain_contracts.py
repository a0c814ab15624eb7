"""Views and acts through the typed wrappers, on the embedded chain."""

from __future__ import annotations

import os

import pytest
from chain_world import ROLE_GATEWAY, ROLE_PROVIDER, World, digest, locator
from eth_abi.abi import encode

from medrec_py.chain import Call, presented_grant_id, terms_hash
from medrec_py.chain.hashing import keccak
from medrec_py.errors import (
    AccessManagedUnauthorized,
    AccessManagerNotReady,
    AccessManagerNotScheduled,
    EpochAlreadyCommitted,
    GrantNotActive,
    InvalidInput,
    NotAnAuthor,
    NotRegistered,
)
from medrec_py.types.events import Granted, GrantRevoked
from medrec_py.types.ledger import EntryKind
from medrec_py.types.terms import Decision, GrantStatus, PresentedGrant, Refusal


def test_a_relationship_opens_and_closes_and_its_number_counts(world: World) -> None:
    patient, provider = world.patient.address, world.provider.address
    assert not world.medrec.relationship_of(patient, world.stranger.address).is_open
    world.ensure_open()
    opened = world.medrec.relationship_of(patient, provider)
    assert (opened.number, opened.is_open, opened.closed_at) == (1, True, 0)
    world.fund(world.provider)
    world.chain.send(world.provider, world.medrec.close(patient, provider))
    assert not world.medrec.is_open(patient, provider)
    world.ensure_open()
    assert world.medrec.relationship_of(patient, provider).number == 2


def test_three_hundred_parcels_are_anchored_in_one_transaction(world: World) -> None:
    world.ensure_open()
    world.fund(world.provider)
    digests, locators = [digest() for _ in range(300)], [locator() for _ in range(300)]
    before = world.medrec.ledger_head(world.patient.address)
    receipt = world.chain.send(world.provider, world.medrec.anchor(world.patient.address, digests, locators))
    event = receipt.events[0].event
    assert event.digests == tuple(digests)  # type: ignore[union-attr]
    assert event.locators == tuple(locators)  # type: ignore[union-attr]
    assert receipt.gas_used < 900_000
    assert receipt.calldata_bytes > 300 * 48
    # The fold is written out here, so that this test stands on the contract's page alone.
    head = before
    for one, place in zip(digests, locators, strict=True):
        words = (head, EntryKind.ANCHOR, world.provider.address, event.time, one, place.ljust(32, b"\0"))  # type: ignore[union-attr]
        head = keccak(encode(["bytes32", "uint8", "address", "uint64", "bytes32", "bytes32"], words))
    assert world.medrec.ledger_head(world.patient.address) == head


def test_a_stranger_anchors_nothing(world: World) -> None:
    world.fund(world.stranger)
    with pytest.raises(NotAnAuthor) as refusal:
        world.chain.send(world.stranger, world.medrec.anchor(world.patient.address, [digest()], [locator()]))
    assert refusal.value.facts == {"subject": world.patient.address, "author": world.stranger.address}


def test_a_batch_holds_the_parcel_of_each_subject(world: World) -> None:
    world.ensure_open()
    world.fund(world.provider)
    number = world.medrec.relationship_of(world.patient.address, world.provider.address).number
    parcel, place, blind, other = digest(), locator(), digest(), digest()
    types = ["address", "uint32", "bytes32", "bytes16", "bytes32"]
    leaf = keccak(keccak(encode(types, (world.patient.address, number, parcel, place, blind))))
    root = keccak(b"".join(sorted([leaf, other])))
    world.chain.send(world.provider, world.medrec.anchor_batch(root, digest(), 2))
    question = (world.patient.address, world.provider.address, parcel, place, blind, root)
    assert world.medrec.is_in_batch(*question, [other])
    assert not world.medrec.is_in_batch(*question, [digest()])
    assert world.medrec.batch_anchored_at(world.provider.address, root) > 0
    assert world.medrec.batch_head(world.provider.address) != bytes(32)


def test_a_gateway_commits_an_epoch_once(world: World) -> None:
    world.ensure_provider()
    world.fund(world.provider)
    head = digest()
    world.chain.send(world.provider, world.medrec.commit_receipts(1, head, 3))
    assert world.medrec.receipts_head(world.provider.address, 1) == head
    with pytest.raises(EpochAlreadyCommitted):
        world.chain.send(world.provider, world.medrec.commit_receipts(1, digest(), 3))


@pytest.mark.parametrize(
    ("terms", "question", "refusal"),
    [
        ({}, {}, Refusal.PERMITTED),
        ({}, {"record_class": 4}, Refusal.CLASS),
        ({}, {"purpose": 0}, Refusal.PURPOSE),
        ({}, {"operation": 8}, Refusal.OPERATION),
        ({"records_from": 20240101}, {"date": 20231231}, Refusal.RECORD_DATE),
        ({"records_from": 20240101}, {"date": 20240101}, Refusal.PERMITTED),
        ({"expires_at": 1}, {}, Refusal.EXPIRED),
        ({"starts_at": 2**63}, {}, Refusal.NOT_YET_VALID),
        ({"condition": "0x" + "11" * 20}, {}, Refusal.CONDITION),
        ({}, {"agent": "0x" + "11" * 20}, Refusal.AGENT),
        ({}, {"viewer": "0x" + "11" * 20}, Refusal.NOT_THE_VIEWER),
    ],
)
def test_the_chain_says_which_rule_refuses(
    world: World, terms: dict[str, object], question: dict[str, object], refusal: Refusal
) -> None:
    grant, _ = world.granted(**terms)
    request = world.request(**question)
    assert world.medrec.evaluate([grant], request) == Decision(refusal, 0)
    assert world.medrec.permits([grant], request) == (refusal is Refusal.PERMITTED)


def test_a_sub_grant_is_refused_at_the_link_that_breaks(world: World) -> None:
    grant, id = world.granted(delegations=1)
    below = PresentedGrant(world.viewer.address, world.stranger.address, digest(), world.terms(parent=id))
    request = world.request(viewer=world.stranger.address)
    assert world.medrec.evaluate([grant, below], request) == Decision(Refusal.UNKNOWN, 1)
    world.fund(world.viewer)
    hashed = terms_hash(below.terms)
    world.chain.send(
        world.viewer, world.medrec.grant(world.patient.address, world.stranger.address, below.bundle, hashed)
    )
    assert world.medrec.evaluate([grant, below], request).permitted
    assert world.medrec.evaluate([], request) == Decision(Refusal.NO_GRANT, 0)
    world.fund(world.patient)
    world.chain.send(world.patient, world.medrec.revoke(presented_grant_id(world.patient.address, below)))
    assert world.medrec.evaluate([grant, below], request) == Decision(Refusal.REVOKED, 1)


def test_each_act_on_a_grant_shows_in_its_state(world: World) -> None:
    world.fund(world.patient, world.viewer)
    patient, send = world.patient.address, world.chain.send
    grant, id = world.granted(agent=world.stranger.address)
    send(world.patient, world.medrec.suspend(id))
    assert world.medrec.grant_state(patient, id).status is GrantStatus.SUSPENDED
    with pytest.raises(GrantNotActive) as refusal:
        send(world.patient, world.medrec.suspend(id))
    assert refusal.value.facts["id"] == id
    send(world.patient, world.medrec.resume(id))
    assert world.medrec.grant_state(patient, id).turn == 2
    send(world.viewer, world.medrec.revoke_agent(id))
    assert world.medrec.grant_state(world.viewer.address, id).agent_revoked
    send(world.viewer, world.medrec.renounce(patient, patient, grant.bundle, terms_hash(grant.terms)))
    assert world.medrec.grant_state(patient, id).status is GrantStatus.RENOUNCED


def test_several_acts_go_in_one_transaction_or_not_at_all(world: World) -> None:
    world.fund(world.patient)
    old, new = digest(), digest()
    hashed = digest()
    calls = [world.medrec.revoke(old), world.medrec.grant(world.patient.address, world.viewer.address, new, hashed)]
    receipt = world.chain.send(world.patient, calls)
    assert receipt.name == "revoke+grant"
    assert [type(logged.event) for logged in receipt.events] == [GrantRevoked, Granted]
    with pytest.raises(GrantNotActive):
        world.chain.send(world.patient, [world.medrec.revoke(new), world.medrec.suspend(digest())])
    assert world.medrec.grant_state(world.patient.address, new).status is GrantStatus.NONE


def test_only_acts_of_medrec_are_made_together(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.chain.send(world.payer, [world.medrec.revoke(digest()), world.registrar.publish_vocabulary(digest())])


def test_the_ledger_head_is_proven_from_the_state_root(world: World) -> None:
    world.ensure_open()
    world.fund(world.provider)
    world.chain.send(world.provider, world.medrec.anchor(world.patient.address, [digest()], [locator()]))
    proof = world.medrec.ledger_head_proof(world.patient.address)
    proof.verify(proof.state_root)
    assert list(proof.values.values()) == [world.medrec.ledger_head(world.patient.address)]
    never = world.medrec.ledger_head_proof(world.stranger.address)
    never.verify(never.state_root)
    assert list(never.values.values()) == [bytes(32)]


# ── registrar ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_registrations_and_accreditations_read_back(world: World) -> None:
    newcomer = world.viewer
    with pytest.raises(NotRegistered):
        world.accredit(newcomer)
    key = os.urandom(1216)
    event = world.register(newcomer, key).events[0].event
    assert event.public_key == key  # type: ignore[union-attr]
    folded = keccak(bytes(32) + keccak(key) + event.descriptor)  # type: ignore[union-attr]
    assert world.registrar.registration_of(newcomer.address) == folded
    world.accredit(newcomer, ROLE_PROVIDER)
    assert world.registrar.is_accredited(newcomer.address, ROLE_PROVIDER)
    assert not world.registrar.is_accredited(newcomer.address, ROLE_PROVIDER | ROLE_GATEWAY)
    assert world.registrar.accreditation_of(newcomer.address).roles == ROLE_PROVIDER
    world.send(world.registrar.withdraw_accreditation(newcomer.address))
    assert world.registrar.accreditation_of(newcomer.address).expires_at == 0


def test_nobody_else_accredits_or_withdraws(world: World) -> None:
    world.ensure_provider()
    world.fund(world.stranger)
    calls = [
        world.registrar.accredit(world.provider.address, 1, world.chain.now() + 10, digest()),
        world.registrar.withdraw_accreditation(world.provider.address),
        world.registrar.publish_vocabulary(digest()),
    ]
    for call in calls:
        with pytest.raises(AccessManagedUnauthorized):
            world.chain.send(world.stranger, call)
        assert world.registrar.required_delay(world.stranger.address, call) is None


def test_an_accreditation_with_a_delay_is_announced_and_can_be_cancelled(fresh_world: World) -> None:
    world = fresh_world
    world.register(world.provider)
    world.fund(world.stranger)
    authority = world.deployment.authority
    grant_role = keccak(b"grantRole(uint64,address,uint32)")[:4]
    appointed = grant_role + encode(["uint64", "address", "uint32"], [1, world.stranger.address, 3600])
    world.send(Call(authority, appointed, "grantRole"))

    accreditor = world.stranger
    call = world.registrar.accredit(world.provider.address, ROLE_PROVIDER, world.chain.now() + 10**6, digest())
    assert world.registrar.required_delay(accreditor.address, call) == 3600
    for early in (call, world.registrar.execute(call)):
        with pytest.raises(AccessManagerNotScheduled):
            world.chain.send(accreditor, early)

    world.chain.send(accreditor, world.registrar.schedule(call))
    assert world.registrar.executable_at(accreditor.address, call) >= world.chain.now() + 3600 - 5
    with pytest.raises(AccessManagerNotReady):
        world.chain.send(accreditor, world.registrar.execute(call))
    world.send(world.registrar.cancel(accreditor.address, call))
    assert world.registrar.executable_at(accreditor.address, call) == 0

    world.chain.send(accreditor, world.registrar.schedule(call))
    world.chain.travel(3600)
    receipt = world.chain.send(accreditor, world.registrar.execute(call))
    assert [type(logged.event).__name__ for logged in receipt.events] == ["Accredited"]
    assert world.registrar.is_accredited(world.provider.address, ROLE_PROVIDER)
