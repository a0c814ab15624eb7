"""Delegates, guardians and emergencies, for a history in which people do anything to each other."""

from __future__ import annotations

import os
import random

from medrec_py import MedRec
from medrec_py.chain import Account, Call, EmergencyContract, GuardianshipContract, MedRecContract, generate_account
from medrec_py.sealing import guardian_leaf, proof_in, tree_over

GrantMade = tuple[str, str, str, bytes, bytes, bytes]
"""Subject, grantor, viewer, bundle, hash of the terms, id."""


class CustodyActs:
    """Acts of custody by direct calls, with made-up digests; each names people as they come.

    Args:
        network: Where.
        seed: Of the history.
    """

    def __init__(self, network: MedRec, seed: int) -> None:
        self.chain = network.chain
        self.chance = random.Random(seed)
        self.medrec = MedRecContract(network.deployment, network.chain)
        self.guardianship = GuardianshipContract(network.deployment, network.chain)
        self.emergency = EmergencyContract(network.deployment, network.chain)
        self.people = [generate_account() for _ in range(4)]
        self.grants: list[GrantMade] = []
        self.announced: list[tuple[str, str]] = []
        self.declared: list[tuple[str, str, bytes]] = []
        self.prepared: list[str] = []

    def anybody(self) -> Account:
        """One of the people."""
        return self.chance.choice(self.people)

    # ── delegates ──

    def name_delegate(self) -> tuple[Account, Call]:
        expires_at = self.chain.now() + self.chance.randrange(-5, 5000)
        return self.anybody(), self.medrec.name_delegate(self.anybody().address, expires_at)

    def dismiss_delegate(self) -> tuple[Account, Call]:
        return self.anybody(), self.medrec.dismiss_delegate(self.anybody().address, self.anybody().address)

    # ── guardians ──

    def set_plan(self) -> tuple[Account, Call]:
        owner = self.anybody()
        silence, notice = self.chance.choice((0, 0, 30)), self.chance.choice((0, 1, 5))
        root = bytes(32) if self.chance.random() < 0.1 else self._plan_of(owner.address)[0]
        return owner, self.guardianship.set_plan(root, silence, notice, os.urandom(32))

    def give_life_sign(self) -> tuple[Account, Call]:
        return self.anybody(), self.guardianship.give_life_sign()

    def prove_life(self) -> tuple[Account, Call]:
        if not self.grants:
            return self.give_life_sign()
        # As a rule of somebody whose guardians have spoken: an act of before that leaves the announcement standing.
        spoken = {owner for owner, _ in self.announced[-4:]}
        _, grantor, *_, id = self.chance.choice([g for g in self.grants if g[1] in spoken][-6:] or self.grants[-4:])
        return self.anybody(), self.guardianship.prove_life(grantor, id)

    def announce(self) -> tuple[Account, Call]:
        owner, heir = self.anybody().address, self.anybody().address
        at = self.chance.randrange(len(self.people))
        guardian = self.people[at]
        self.announced.append((owner, heir))
        _, proofs = self._plan_of(owner)
        return guardian, self.guardianship.announce(owner, heir, guardian.address, self._salt(owner), proofs[at])

    def release_share(self) -> tuple[Account, Call]:
        if not self.announced:
            return self.announce()
        owner, heir = self.chance.choice(self.announced[-6:])
        at = self.chance.randrange(len(self.people))
        _, proofs = self._plan_of(owner)
        return self.people[at], self.guardianship.release(owner, heir, self._salt(owner), proofs[at], os.urandom(32))

    # ── emergencies ──

    def prepare(self) -> tuple[Account, Call]:
        of = self.anybody()
        own = [grant for grant in self.grants if grant[1] == of.address]
        id = self.chance.choice(own[-2:])[-1] if own and self.chance.random() < 0.9 else bytes(32)
        self.prepared.append(of.address)
        return of, self.emergency.prepare(id, os.urandom(32))

    def declare(self) -> tuple[Account, Call]:
        if not self.prepared:
            return self.prepare()
        provider, subject, now = self.anybody(), self.chance.choice(self.prepared[-4:]), self.chain.now()
        digests = [os.urandom(32) for _ in range(4)]
        return provider, self.emergency.declare(subject, now, now + self.chance.randrange(-5, 9000), *digests)

    def release_key(self) -> tuple[Account, Call]:
        if not self.declared:
            return self.declare()
        subject, provider, id = self.chance.choice(self.declared[-3:])
        return self.anybody(), self.emergency.release(subject, provider, id, os.urandom(32))

    def revoke_declared(self) -> tuple[Account, Call]:
        if not self.declared:
            return self.declare()
        subject, _, id = self.chance.choice(self.declared[-3:])
        return self._of(subject), self.medrec.revoke(id)

    # ── internals ──

    def _plan_of(self, owner: str) -> tuple[bytes, list[tuple[bytes, ...]]]:
        """All the people are guardians of everybody: the root, and everybody's proof."""
        tree = tree_over([guardian_leaf(owner, one.address, self._salt(owner)) for one in self.people])
        return tree[0], [proof_in(tree, at) for at in range(len(self.people))]

    @staticmethod
    def _salt(owner: str) -> bytes:
        return bytes.fromhex(owner[2:]).rjust(32, b"\x01")

    def _of(self, address: str) -> Account:
        return next(person for person in self.people if person.address == address)
