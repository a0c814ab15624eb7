"""The index over real chains: it says what the contracts say, whatever was done and whatever was replaced."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from medrec_py.chain import (
    Account,
    Call,
    Chain,
    EmbeddedChain,
    MedRecContract,
    RegistrarContract,
    deploy,
    generate_account,
    grant_id,
)
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.errors import Refused
from medrec_py.index import Index
from medrec_py.types.ledger import replay
from medrec_py.types.terms import NO_EXPIRY, GrantStatus, typed_data


@dataclass
class World:
    """A few people who act at random, and what was granted."""

    chain: Chain
    payer: Account
    chance: random.Random
    people: list[Account] = field(default_factory=lambda: [generate_account() for _ in range(4)])
    granted: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        deployment = deploy(self.chain, self.payer).deployment
        self.medrec = MedRecContract(deployment, self.chain)
        self.registrar = RegistrarContract(deployment, self.chain)
        for person in self.people:
            self.chain.send(self.payer, Call(person.address, b"", "fund", 10**18))

    def act(self) -> None:
        """One act of somebody; refusals are part of life."""
        who, other = self.chance.sample(self.people, 2)
        acts = (
            self._register,
            self._accredit,
            self._open,
            self._close,
            self._anchor,
            self._anchor,
            self._retract,
            self._batch,
            self._grant,
            self._grant,
            self._withdraw,
            self._withdraw,
        )
        with contextlib.suppress(Refused):
            self.chance.choice(acts)(who, other)

    def _register(self, who: Account, other: Account) -> None:
        self.chain.send(who, self.registrar.register(os.urandom(1216), os.urandom(32)))

    def _accredit(self, who: Account, other: Account) -> None:
        if self.chance.random() < 0.8:
            call = self.registrar.accredit(who.address, self.chance.choice((1, 3)), NO_EXPIRY, os.urandom(32))
        else:
            call = self.registrar.withdraw_accreditation(who.address)
        self.chain.send(self.payer, call)

    def _open(self, who: Account, other: Account) -> None:
        number = self.medrec.relationship_of(who.address, other.address).number + 1
        message = {"provider": other.address, "subject": who.address, "number": number, "expiresAt": NO_EXPIRY}
        invitation = other.sign_typed_data(typed_data(self.medrec.domain, "Invitation", message))
        self.chain.send(who, self.medrec.open(who.address, other.address, NO_EXPIRY, os.urandom(32), invitation))

    def _close(self, who: Account, other: Account) -> None:
        self.chain.send(who, self.medrec.close(who.address, other.address))

    def _anchor(self, who: Account, other: Account) -> None:
        subject = self.chance.choice((who, other)).address
        count = self.chance.randint(1, 3)
        digests, locators = [os.urandom(32) for _ in range(count)], [os.urandom(16) for _ in range(count)]
        self.chain.send(who, self.medrec.anchor(subject, digests, locators))

    def _retract(self, who: Account, other: Account) -> None:
        self.chain.send(who, self.medrec.retract(who.address, os.urandom(32), os.urandom(32)))

    def _batch(self, who: Account, other: Account) -> None:
        self.chain.send(
            who, self.medrec.anchor_batch(os.urandom(32), os.urandom(32), self.chance.randint(1, 2**32 - 1))
        )

    def _grant(self, who: Account, other: Account) -> None:
        subject = self.chance.choice(self.people).address
        bundle, terms = os.urandom(32), os.urandom(32)
        self.chain.send(who, self.medrec.grant(subject, other.address, bundle, terms))
        id = grant_id(subject, who.address, other.address, bundle, terms)
        self.granted.append((subject, who.address, other.address, id))

    def _withdraw(self, who: Account, other: Account) -> None:
        if not self.granted:
            return
        id = self.chance.choice(self.granted)[3]
        verb = self.chance.choice(("revoke", "suspend", "resume", "revoke_agent"))
        self.chain.send(who, getattr(self.medrec, verb)(id))

    def assert_told_by(self, index: Index) -> None:
        """Every answer of the index equals the contracts' own views."""
        for person in self.people:
            address = person.address
            assert replay(index.ledger(address)) == self.medrec.ledger_head(address)
            assert replay(batch.entry for batch in index.batches(address)) == self.medrec.batch_head(address)
            participant = index.participant(address)
            registration = bytes(32) if participant is None else participant.registration
            assert registration == self.registrar.registration_of(address)
            standing, said = index.accreditation(address), self.registrar.accreditation_of(address)
            assert ((standing.roles, standing.expires_at) if standing else (0, 0)) == (said.roles, said.expires_at)
            for other in self.people:
                found = index.relationships(subject=address, provider=other.address)
                latest = self.medrec.relationship_of(address, other.address)
                assert len(found) == latest.number
                if found:
                    assert found[-1].opened.time == latest.opened_at
                    closed = found[-1].closed
                    assert (closed.time if closed else 0) == latest.closed_at
        for subject, grantor, viewer, id in self.granted:
            grant = index.grant(id)
            state, overruled = self.medrec.grant_state(grantor, id), self.medrec.grant_state(subject, id)
            revoked = overruled.status is GrantStatus.REVOKED and not state.status.is_terminal
            assert grant.status is (GrantStatus.REVOKED if revoked else state.status)
            assert grant.turn == state.turn
            assert grant.agent_revoked == (state.agent_revoked or self.medrec.grant_state(viewer, id).agent_revoked)


@pytest.fixture(params=["embedded", pytest.param("anvil", marks=pytest.mark.servers)])
def network(request) -> Iterator[tuple[Chain, Account]]:
    if request.param == "embedded":
        with EmbeddedChain() as chain:
            yield chain, chain.developer
    else:
        with AnvilNode() as node, node.connect() as chain:
            yield chain, node.accounts[0]


@pytest.mark.parametrize("seed", range(3))
def test_events_rebuild_what_the_contracts_say(network, seed):
    world = World(*network, random.Random(seed))
    with Index("sqlite://", world.chain) as index:
        for _ in range(4):
            for _ in range(20):
                world.act()
            index.sync()
            world.assert_told_by(index)
        with Index("sqlite://", world.chain) as fresh:
            fresh.sync()
            assert list(fresh.events()) == list(index.events())


def test_the_index_of_a_chain_begins_where_its_deployment_does(network):
    world = World(*network, random.Random(0))
    with Index("sqlite://", world.chain) as index:
        assert index.head == world.chain.deployment.block_number - 1


@pytest.mark.servers
@pytest.mark.parametrize("seed", range(2))
def test_blocks_that_anvil_replaces_are_rolled_back(tmp_path, seed):
    """`evm_revert` throws blocks away and others are mined in their place, some of them while the index looks on."""
    chance = random.Random(seed)
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0], chance)
        with Index(f"sqlite:///{tmp_path}/index.sqlite", chain) as index:
            for _ in range(4):
                for _ in range(10):
                    world.act()
                index.sync()
                granted, snapshot = list(world.granted), chain.ask("evm_snapshot")
                for _ in range(chance.randint(1, 12)):
                    world.act()
                before = chain.head_number()
                index.sync()
                assert chain.ask("evm_revert", snapshot)
                world.granted = granted
                chain.ask("evm_increaseTime", 7)
                for _ in range(chance.randint(1, 12)):
                    world.act()
                report = index.sync()
                assert report.rolled_back_to is None or report.rolled_back_to < before
                world.assert_told_by(index)
                assert list(index.events()) == chain.logs(chain.deployment.block_number, chain.head_number())


@pytest.mark.servers
def test_a_reorganisation_of_anvil_is_followed(tmp_path):
    """`anvil_reorg` replaces the last blocks by empty ones: what was in them has not happened."""
    with AnvilNode() as node, node.connect() as chain:
        world = World(chain, node.accounts[0], random.Random(5))
        with Index(f"sqlite:///{tmp_path}/index.sqlite", chain) as index:
            for _ in range(30):
                world.act()
            index.sync()
            head = chain.head_number()
            chain.ask("anvil_reorg", 5, [])
            report = index.sync()
            assert report.rolled_back_to == head - 5
            assert list(index.events()) == chain.logs(chain.deployment.block_number, chain.head_number())
