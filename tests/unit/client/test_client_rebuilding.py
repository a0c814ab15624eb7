"""Events rebuild the state: whoever has read all events knows what the contracts know, and so does an index.

The same of the contracts alone is `invariant_EventsRebuildState`; here the SDK's decoding, its ledgers and the index
take part, on the embedded network. `client_machine.py` checks it after histories of the SDK's own verbs too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from custody_acts import CustodyActs
from rebuilding import differences

from medrec_py import MedRec
from medrec_py.chain import Account, Call, RegistrarContract
from medrec_py.errors import Refused
from medrec_py.types.events import EmergencyDeclared, Event, LifeSignGiven
from medrec_py.types.terms import typed_data

ACTS = 350
"""Acts of one history at least; about a third is refused, as people do what they may not."""
BESIDE = "LifeSignGiven, and an announcement stands all the same"
KINDS = {BESIDE, *(kind.__name__ for kind in Event.__args__)}


class History(CustodyActs):
    """People who do anything to each other, by direct calls with made-up digests.

    Args:
        network: Where.
        seed: Of the history.
    """

    def __init__(self, network: MedRec, seed: int) -> None:
        super().__init__(network, seed)
        self.registrar = RegistrarContract(network.deployment, network.chain)
        self.admin = network.registrar()._account
        for person in self.people:
            self.chain.send(self.admin, Call(person.address, b"", "fund", 10**18))
        self.happened: set[str] = set()

    def run(self) -> None:
        """Everything in any order, until everything has happened; what is refused leaves nothing."""
        acts: list[Callable[[], tuple[Account, Call]]] = [
            *(self.register, self.accredit, self.accredit, self.withdraw, self.publish_vocabulary),
            *(self.open, self.open, self.open, self.close, self.anchor, self.anchor_parcel, self.retract, self.batch),
            *(self.commit, self.grant, self.grant, self.grant, self.revoke, self.renounce, self.suspend, self.suspend),
            *(self.resume, self.resume, self.revoke_agent),
            *(self.name_delegate, self.name_delegate, self.dismiss_delegate, self.dismiss_delegate),
            *(self.set_plan, self.give_life_sign, self.prove_life, self.prove_life, self.announce, self.announce),
            *(self.release_share, self.release_share, self.prepare, self.prepare, self.declare, self.declare),
            *(self.declare, self.release_key, self.release_key, self.revoke_declared),
        ]
        for done in range(10 * ACTS):
            if done >= ACTS and self.happened == KINDS:
                return
            if self.chance.random() < 0.05:
                self.chain.travel(self.chance.randrange(1, 4000))
            with suppress(Refused):
                receipt = self.chain.send(*self.chance.choice(acts)())
                for logged in receipt.events:
                    self.happened.add(type(logged.event).__name__)
                    match logged.event:
                        case EmergencyDeclared(subject, provider, id):
                            self.declared.append((subject, provider, id))
                        case LifeSignGiven(owner) if self.guardianship.plan_of(owner).announced_at:
                            self.happened.add(BESIDE)

    # ── people ──

    def register(self) -> tuple[Account, Call]:
        return self.anybody(), self.registrar.register(os.urandom(1216), os.urandom(32))

    def accredit(self) -> tuple[Account, Call]:
        expires_at = self.chain.now() + self.chance.randrange(5000, 50000)
        roles = self.chance.choice((1, 2, 3, 7, 7, 7))
        return self.admin, self.registrar.accredit(self.anybody().address, roles, expires_at, os.urandom(32))

    def withdraw(self) -> tuple[Account, Call]:
        return self.admin, self.registrar.withdraw_accreditation(self.anybody().address)

    def publish_vocabulary(self) -> tuple[Account, Call]:
        return self.admin, self.registrar.publish_vocabulary(self.chance.randbytes(31) + b"\x01")

    # ── relationships and records ──

    def open(self) -> tuple[Account, Call]:
        subject, provider = self.anybody(), self.anybody()
        number = self.medrec.relationship_of(subject.address, provider.address).number + 1
        expires_at, bundle = self.chain.now() + 100, os.urandom(32)
        message = {
            "provider": provider.address,
            "subject": subject.address,
            "number": number,
            "expiresAt": expires_at,
        }
        invitation = provider.sign_typed_data(typed_data(self.medrec.domain, "Invitation", message))
        return subject, self.medrec.open(subject.address, provider.address, expires_at, bundle, invitation)

    def close(self) -> tuple[Account, Call]:
        one, other = self.anybody(), self.anybody()
        return self.chance.choice((one, other)), self.medrec.close(one.address, other.address)

    def anchor(self) -> tuple[Account, Call]:
        count = self.chance.randrange(1, 4)
        digests, locators = [os.urandom(32) for _ in range(count)], [os.urandom(16) for _ in range(count)]
        return self.anybody(), self.medrec.anchor(self.anybody().address, digests, locators)

    def anchor_parcel(self) -> tuple[Account, Call]:
        return self.anybody(), self.medrec.anchor_parcel(self.anybody().address, os.urandom(32), os.urandom(16))

    def retract(self) -> tuple[Account, Call]:
        return self.anybody(), self.medrec.retract(self.anybody().address, os.urandom(32), os.urandom(32))

    def batch(self) -> tuple[Account, Call]:
        return self.anybody(), self.medrec.anchor_batch(os.urandom(32), os.urandom(32), self.chance.randrange(0, 3))

    def commit(self) -> tuple[Account, Call]:
        return self.anybody(), self.medrec.commit_receipts(self.chance.randrange(3), os.urandom(32), 1)

    # ── grants ──

    def grant(self) -> tuple[Account, Call]:
        if self.grants and self.chance.random() < 0.3:  # once more, which is refused if it stands or stood
            subject, grantor, viewer, bundle, terms_hash, _ = self.chance.choice(self.grants[-4:])
        else:
            subject, grantor, viewer = (self.anybody().address for _ in range(3))
            bundle, terms_hash = os.urandom(32), os.urandom(32)
            # It is known before it is made: so it may be withdrawn beforehand.
            id = self.medrec._ask("grantId", subject, grantor, viewer, bundle, terms_hash)[0]
            self.grants.append((subject, grantor, viewer, bundle, terms_hash, id))
            if self.chance.random() < 0.2:
                return self.anybody(), self.medrec.revoke(id)
        return self._of(grantor), self.medrec.grant(subject, viewer, bundle, terms_hash)

    def revoke(self) -> tuple[Account, Call]:
        return self._somebody_and("revoke")

    def suspend(self) -> tuple[Account, Call]:
        return self._somebody_and("suspend")

    def resume(self) -> tuple[Account, Call]:
        return self._somebody_and("resume")

    def revoke_agent(self) -> tuple[Account, Call]:
        return self._somebody_and("revoke_agent")

    def renounce(self) -> tuple[Account, Call]:
        if not self.grants:
            return self.grant()
        subject, grantor, viewer, bundle, terms_hash, _ = self.chance.choice(self.grants[-4:])
        return self._of(viewer), self.medrec.renounce(subject, grantor, bundle, terms_hash)

    def _somebody_and(self, act: str) -> tuple[Account, Call]:
        if not self.grants:
            return self.grant()
        subject, grantor, viewer, _, _, id = self.chance.choice(self.grants[-4:])
        who = self._of(self.chance.choice((grantor, grantor, grantor, subject, viewer)))
        return who, getattr(self.medrec, act)(id)


@pytest.fixture(scope="module")
def network() -> Iterator[MedRec]:
    with MedRec.embedded() as network:
        yield network


@pytest.mark.parametrize("seed", [1, 2])
def test_events_rebuild_state(network: MedRec, seed: int) -> None:
    """EventsRebuildState: after any history the contracts' views, the folded events and a new index say the same."""
    history = History(network, seed)
    history.run()
    assert history.happened == KINDS, "every kind of event took part"
    assert differences(network.chain) == []
