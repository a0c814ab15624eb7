"""Guardians: a lost wallet's records come back through enough of them, after notice, and in no other way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from client_world import ids, ndjson, observation
from shamir_mnemonic import Share

from medrec_py import MedRec
from medrec_py.chain import EmbeddedChain, as_account, generate_account
from medrec_py.client import Patient, Provider
from medrec_py.client.guardian import Guardian
from medrec_py.client.guardians import combined_root
from medrec_py.client.plans import latest_plans, releases
from medrec_py.crypto import candidates, recovery_key, split
from medrec_py.errors import (
    InvalidInput,
    MedRecError,
    NoParticipantKey,
    NoShare,
    NotAGuardian,
    NotOpen,
    Refused,
    SharesBroken,
    TooEarly,
    TooFewShares,
)
from medrec_py.sealing import ShareBundle, Shares, guardian_leaf, seal_bundle

NOTICE = timedelta(days=7)


@dataclass
class Family:
    """A patient of a hospital with three guardians, and the wallet that comes after the lost one."""

    network: MedRec
    hospital: Provider
    patient: Patient
    subject: str
    guardians: list[Guardian]
    heir: Patient

    @property
    def owner(self) -> str:
        return self.patient.guardians.owner

    def appoint(self, **extra: object) -> None:
        people = {f"guardian {at}": one.address for at, one in enumerate(self.guardians)}
        self.patient.guardians.appoint(people, threshold=2, notice=NOTICE, label="the patient", **extra)  # type: ignore[arg-type]
        self.pass_time(seconds=2)  # in the second of a sign of life itself nobody can be announced

    def pass_time(self, **amount: float) -> None:
        chain = self.network.chain
        assert isinstance(chain, EmbeddedChain)
        chain.set_time(chain.now() + int(timedelta(**amount).total_seconds()))

    def open(self) -> None:
        self.guardians[0].announce(self.owner, self.heir.address)
        self.pass_time(days=8)


@pytest.fixture(scope="module")
def network() -> Iterator[MedRec]:
    with MedRec.embedded() as network:
        yield network


@pytest.fixture(params=["private", "wallet"])
def family(network: MedRec, request: pytest.FixtureRequest) -> Family:
    hospital = network.provider()
    hospital.register(name="Hospital")
    network.registrar().accredit(hospital.address, until="2090-01-01")
    patient = network.patient(wallet_mode=request.param == "wallet")
    subject = patient.next_subject()
    patient.accept(hospital.invite(subject))
    hospital.publish(subject, ndjson(observation("kept", "2024-01-01")))
    guardians = [network.guardian() for _ in range(3)]
    for guardian in guardians:
        guardian.register()
    heir = network.patient()
    heir.register()
    return Family(network, hospital, patient, subject, guardians, heir)


# ── the way back ──


def test_two_of_three_guardians_give_the_records_to_a_new_wallet(family: Family) -> None:
    family.appoint()
    plan = family.patient.guardians.plan()
    assert plan is not None
    assert (plan.threshold, plan.notice) == (2, NOTICE.total_seconds())
    assert {address for address, _ in plan.guardians} == {one.address for one in family.guardians}
    (ward,) = family.guardians[0].wards()
    assert (ward.owner, ward.label, ward.threshold) == (family.owner, "the patient", 2)

    family.guardians[0].announce(ward.owner, family.heir.address)
    family.pass_time(days=8)
    for guardian in family.guardians[1:]:
        assert guardian.release(ward.owner, family.heir.address) is not None
        assert guardian.release(ward.owner, family.heir.address) is None
    (recovery,) = family.heir.guardians.recoveries()
    assert (recovery.is_open, recovery.released, recovery.threshold) == (True, 2, 2)
    family.heir.guardians.recover(ward.owner)
    fresh = family.network.patient(family.heir._account)
    assert ids(fresh.records()) == ["kept"]
    assert family.subject in fresh.subjects()
    assert family.heir.guardians.recover(ward.owner) is None


def test_a_new_device_of_the_owner_knows_the_plan(family: Family) -> None:
    family.appoint()
    fresh = family.network.patient(family.patient._account, wallet_mode=family.patient.wallet_mode)
    plan = fresh.guardians.plan()
    assert plan is not None
    assert [name for _, name in plan.guardians] == ["guardian 0", "guardian 1", "guardian 2"]
    assert fresh.guardians.owner not in fresh.subjects()


def test_the_history_tells_of_plans_announcements_and_vetoes(family: Family) -> None:
    family.appoint()
    family.open()
    family.guardians[1].release(family.owner, family.heir.address)
    family.patient.guardians.life_sign()
    family.patient.delegates.name(family.heir.address, until="2090-01-01")
    family.patient.delegates.dismiss(family.heir.address)
    family.patient.guardians.end()
    acts = {item.act: item.sentence for item in family.patient.audit()}
    assert {"PlanSet", "LifeSignGiven", "RecoveryAnnounced", "ShareReleased"} < set(acts)
    assert {"DelegateNamed", "DelegateDismissed"} < set(acts)
    assert acts["PlanSet"] == "the patient ended the plan of guardians."
    assert family.heir.address in acts["RecoveryAnnounced"]


def test_a_guardian_announces_by_signature_through_a_relayer(family: Family) -> None:
    family.appoint()
    relayed = family.network.guardian(family.guardians[0]._account, relayer=family.network.relayer())
    relayed.announce(family.owner, family.heir.address)
    (ward,) = family.guardians[1].wards()
    assert [(one.heir, one.guardian) for one in ward.announcements] == [(family.heir.address, relayed.address)]


# ── attacks ──


def test_one_share_fewer_than_it_takes_gives_nothing(family: Family) -> None:
    family.appoint()
    family.open()
    family.guardians[1].release(family.owner, family.heir.address)
    with pytest.raises(TooFewShares, match="1 of the 2"):
        family.heir.guardians.recover(family.owner)
    assert list(candidates([share.words for share in family.heir.guardians._released(family.owner)])) == []
    assert family.heir.records() == []


def test_no_guardian_releases_before_the_chain_says_so(family: Family) -> None:
    family.appoint()
    with pytest.raises(NotOpen):
        family.guardians[1].release(family.owner, family.heir.address)
    family.guardians[0].announce(family.owner, family.heir.address)
    family.pass_time(days=6)
    objects = len(list(family.network.store.pins()))
    with pytest.raises(NotOpen):
        family.guardians[1].release(family.owner, family.heir.address)
    assert len(list(family.network.store.pins())) == objects, "nothing was sealed either"
    assert releases(family.heir._context, family.owner, family.heir.address) == []


def test_the_contract_refuses_a_guardian_whose_client_would_release_early(family: Family) -> None:
    family.appoint()
    family.guardians[0].announce(family.owner, family.heir.address)
    share = family.guardians[1]._share(family.owner)
    context = family.guardians[1]._context
    call = context.guardianship.release(family.owner, family.heir.address, share.salt or b"", share.proof, bytes(32))
    with pytest.raises(NotOpen):
        context.chain.send(family.guardians[1]._account, call)


def test_a_sign_of_life_is_a_veto_and_what_was_announced_before_stays_void(family: Family) -> None:
    family.appoint()
    family.guardians[0].announce(family.owner, family.heir.address)
    family.pass_time(days=6)
    family.patient.guardians.life_sign()
    family.pass_time(days=30)
    with pytest.raises(NotOpen):
        family.guardians[1].release(family.owner, family.heir.address)
    (recovery,) = family.heir.guardians.recoveries()
    assert (recovery.is_open, recovery.opens_at) == (False, 0)


def test_any_act_of_the_patients_is_a_veto(family: Family) -> None:
    family.appoint()
    family.guardians[0].announce(family.owner, family.heir.address)
    family.patient.publish(ndjson(observation("alive", "2024-01-01")))
    plan = family.patient.guardians.plan()
    assert plan is not None
    assert plan.announcements == ()


def test_an_announcement_is_not_replayed_after_a_veto(family: Family) -> None:
    """What a guardian signed names a turn; the veto counts it up."""
    family.appoint()
    context = family.guardians[0]._context
    share = family.guardians[0]._share(family.owner)
    turn = context.guardianship.plan_of(family.owner).turn
    message = {"owner": family.owner, "heir": family.heir.address, "guardian": share.holder, "turn": turn}
    signature = family.guardians[0]._actor.sign("Announcement", message, context.guardianship.domain)
    call = context.guardianship.announce(
        family.owner, family.heir.address, share.holder, share.salt or b"", share.proof, signature
    )
    family.network.relayer().relay([call])
    family.patient.guardians.life_sign()
    family.pass_time(seconds=2)
    with pytest.raises(Refused):
        family.network.relayer().relay([call])
    assert context.guardianship.opens_at(family.owner, family.heir.address) == 0


def test_nobody_outside_the_plan_announces_or_releases(family: Family) -> None:
    family.appoint()
    stranger = family.network.guardian()
    stranger.register()
    assert stranger.wards() == []
    for act in (stranger.announce, stranger.release):
        with pytest.raises(NoShare):
            act(family.owner, family.heir.address)
    share = family.guardians[0]._share(family.owner)
    context = stranger._context
    call = context.guardianship.announce(
        family.owner, stranger.address, stranger.address, share.salt or b"", share.proof
    )
    with pytest.raises(NotAGuardian):
        context.chain.send(stranger._account, call)


def test_a_guardian_of_an_earlier_plan_announces_nobody(family: Family) -> None:
    family.appoint()
    dropped = family.guardians.pop()
    family.appoint()
    assert dropped.wards() == []
    with pytest.raises(NoShare):
        dropped.announce(family.owner, family.heir.address)


def test_a_false_share_hides_no_true_ones(family: Family) -> None:
    family.appoint()
    family.open()
    owner, heir, liar = family.owner, family.heir.address, family.guardians[0]
    context, share = liar._context, liar._share(family.owner)
    for words in (split(bytes(32), 2, 3)[0], split(bytes(32), 2, 3)[1], "no share"):
        false = ShareBundle(owner, liar.address, "", words)
        sealed = seal_bundle(false, context.bundle_context(owner), [context.public_key(heir)])
        digest = context.store.put(sealed).digest
        context.chain.send(
            liar._account, context.guardianship.release(owner, heir, share.salt or b"", share.proof, digest)
        )
    family.guardians[1].release(owner, heir)
    with pytest.raises((TooFewShares, SharesBroken)):
        family.heir.guardians.recover(owner)
    family.guardians[2].release(owner, heir)
    family.heir.guardians.recover(owner)
    assert ids(family.heir.records()) == ["kept"]


def test_a_guardian_who_releases_false_shares_of_the_true_split_crowds_nobody_out(family: Family) -> None:
    family.appoint()
    family.open()
    owner, heir, liar = family.owner, family.heir.address, family.guardians[0]
    context, own = liar._context, liar._share(family.owner)
    family.guardians[1].release(owner, heir)
    for number in range(3):
        words = replace(Share.from_mnemonic(own.words), value=bytes([number]) * 32).mnemonic()
        sealed = seal_bundle(
            ShareBundle(owner, liar.address, "", words), context.bundle_context(owner), [context.public_key(heir)]
        )
        digest = context.store.put(sealed).digest
        call = context.guardianship.release(owner, heir, own.salt or b"", own.proof, digest)
        context.chain.send(liar._account, call)
    family.heir._context.sync()
    assert [share.holder for share in family.heir.guardians._released(owner)] == [
        family.guardians[1].address,
        liar.address,
    ]
    family.guardians[2].release(owner, heir)
    family.heir.guardians.recover(owner)
    assert ids(family.heir.records()) == ["kept"]


def test_guardians_who_lie_together_hand_over_no_root_of_their_own(family: Family) -> None:
    """A root that the shares make is the owner's or none: else liars would make the heir use keys that they know."""
    theirs = family.network.patient().root.reveal()
    shares = [
        ShareBundle(family.owner, one.address, "", words)
        for one, words in zip(family.guardians, split(theirs, 2, 3), strict=True)
    ]
    with pytest.raises(SharesBroken):
        combined_root(shares, family.owner)


def test_a_share_of_an_earlier_plan_keeps_nobody_from_releasing_todays(family: Family) -> None:
    """One guardian had released, the owner turned up and appointed anew, and lost the wallet after all."""
    family.appoint()
    family.open()
    assert family.guardians[1].release(family.owner, family.heir.address) is not None
    family.appoint()
    family.open()
    for guardian in family.guardians[1:]:
        assert guardian.release(family.owner, family.heir.address) is not None
        assert guardian.release(family.owner, family.heir.address) is None
    family.heir.guardians.recover(family.owner)
    assert ids(family.heir.records()) == ["kept"]


def test_a_new_plan_by_whoever_has_the_lost_wallet_takes_no_released_share_away(family: Family) -> None:
    """The thief appoints the same people anew; one of them releases again, the other no more."""
    family.appoint()
    family.open()
    for guardian in family.guardians[1:]:
        guardian.release(family.owner, family.heir.address)
    family.appoint()
    family.open()
    assert family.guardians[1].release(family.owner, family.heir.address) is not None
    family.patient.guardians.end()
    family.heir.guardians.recover(family.owner)
    assert ids(family.heir.records()) == ["kept"]


def test_an_heir_whom_nobody_announced_gets_nothing_out_of_anothers_shares(family: Family) -> None:
    family.appoint()
    family.open()
    for guardian in family.guardians[1:]:
        guardian.release(family.owner, family.heir.address)
    thief = family.network.patient()
    thief.register()
    assert thief.guardians.recoveries() == []
    with pytest.raises(TooFewShares):
        thief.guardians.recover(family.owner)


def test_a_guardian_who_announces_the_wrong_heir_keeps_nobody_out(family: Family) -> None:
    family.appoint()
    thief = family.network.patient()
    thief.register()
    family.guardians[0].announce(family.owner, thief.address)
    family.guardians[1].announce(family.owner, family.heir.address)
    family.pass_time(days=8)
    for guardian in family.guardians[1:]:
        guardian.release(family.owner, family.heir.address)
    family.heir.guardians.recover(family.owner)
    assert ids(family.heir.records()) == ["kept"]
    with pytest.raises(TooFewShares):
        thief.guardians.recover(family.owner)


# ── the dead-man's switch ──


def test_the_switch_opens_after_silence_and_notice_only(family: Family) -> None:
    family.appoint(silence=timedelta(days=90))
    with pytest.raises(TooEarly):
        family.guardians[0].announce(family.owner, family.heir.address)
    family.pass_time(days=91)
    family.open()
    family.guardians[1].release(family.owner, family.heir.address)


def test_acts_of_the_patient_keep_the_switch_from_opening(family: Family) -> None:
    family.appoint(silence=timedelta(days=90))
    for _ in range(4):
        family.pass_time(days=40)
        family.patient.publish(ndjson(observation("alive", "2024-01-01")))
    with pytest.raises(TooEarly):
        family.guardians[0].announce(family.owner, family.heir.address)


def test_signs_of_life_are_not_given_more_often_than_they_are_needed(family: Family) -> None:
    """Each of them shows an onlooker that somebody acted just then."""
    family.appoint(silence=timedelta(days=90))
    turn = family.patient._context.guardianship.plan_of(family.owner).turn
    family.patient.publish(ndjson(observation("alive", "2024-01-01")))
    assert family.patient._context.guardianship.plan_of(family.owner).turn == turn


def test_an_act_succeeds_although_no_sign_of_life_can_be_given(family: Family) -> None:
    family.appoint()
    family.guardians[0].announce(family.owner, family.heir.address)

    class Unwilling:
        """Relays everything but signs of life."""

        def __init__(self, sender: object) -> None:
            self._sender = sender

        def relay(self, calls: object) -> object:
            if calls[0].name == "giveLifeSignWithSig":  # type: ignore[index]
                raise Refused("Not for me.")
            return self._sender.relay(calls)  # type: ignore[attr-defined]

    patient = family.network.patient(
        family.patient._account, wallet_mode=family.patient.wallet_mode, relayer=Unwilling(family.network.relayer())
    )
    patient.publish(ndjson(observation("alive", "2024-01-01")))
    plan = patient.guardians.plan()
    assert plan is not None
    assert len(plan.announcements) == 1


def test_a_plan_that_was_ended_opens_to_nobody(family: Family) -> None:
    family.appoint()
    family.patient.guardians.end()
    assert family.patient.guardians.plan() is None
    assert family.guardians[0].wards() == []
    with pytest.raises(NoShare):
        family.guardians[0].announce(family.owner, family.heir.address)


# ── what is refused, what is seen ──


def test_what_makes_no_plan_is_refused(family: Family) -> None:
    appoint = family.patient.guardians.appoint
    people = [one.address for one in family.guardians]
    for given, numbers in (
        (people, {"threshold": 1, "notice": 60}),
        (people, {"threshold": 4, "notice": 60}),
        (people[:1], {"threshold": 1, "notice": 60}),
        ([*people, people[0]], {"threshold": 2, "notice": 60}),
        ([*people, family.owner], {"threshold": 2, "notice": 60}),
        ([*people, family.patient.address], {"threshold": 2, "notice": 60}),
        (people, {"threshold": 2, "notice": 0}),
        (people, {"threshold": 2, "notice": -1}),
        (people, {"threshold": 2, "notice": 1 << 32}),
        (people, {"threshold": 2, "notice": 60, "silence": 1 << 32}),
        (["0x12", *people], {"threshold": 2, "notice": 60}),
    ):
        with pytest.raises(InvalidInput):
            appoint(given, **numbers)
    with pytest.raises(NoParticipantKey):
        appoint([*people, generate_account().address], threshold=2, notice=60)
    family.appoint()
    with pytest.raises(NoParticipantKey):
        family.guardians[0].announce(family.owner, generate_account().address)
    assert family.patient.guardians.plan() is not None


def test_plan_and_shares_name_nobody(family: Family) -> None:
    """NothingPersonal: neither what is on chain nor the object says who the guardians are, or whose they are."""
    family.appoint()
    plan = latest_plans(family.patient._context, family.owner)[family.owner]
    document = family.network.store.get(plan.shares)
    for address in (*(one.address for one in family.guardians), family.subject, family.patient.address):
        assert address[2:].lower().encode() not in document.lower()
    assert len(Shares.parse(document).sealed) == 4
    assert as_account(recovery_key(family.patient.root)).address == family.owner
    events = [item.logged.event for item in family.patient._context.index.timeline(family.patient.subjects())]
    assert all(getattr(event, "owner", None) != family.owner for event in events)


def test_plans_of_strangers_with_nonsense_for_shares_hide_nobodys_ward(family: Family) -> None:
    family.appoint()
    hostile, context = generate_account(), family.guardians[0]._context
    family.network.viewer(hostile)
    for data in (b"", b"{}", b"\0" * 100, Shares((b"\0" * 20000,)).encode()):
        digest = context.store.put(data).digest
        context.chain.send(hostile, context.guardianship.set_plan(bytes([1]) * 32, 0, 1, digest))
    context.chain.send(hostile, context.guardianship.set_plan(bytes([1]) * 32, 0, 1, bytes(31) + b"\1"))
    assert [ward.owner for ward in family.guardians[0].wards()] == [family.owner]


def test_a_share_that_is_sealed_to_a_crowd_is_nobodys(family: Family) -> None:
    """Else a stranger's plan with thousands of sealed keys would keep every guardian busy."""
    hostile, context = generate_account(), family.guardians[0]._context
    family.network.viewer(hostile)
    guardian, salt = family.guardians[0], bytes(32)
    share = ShareBundle(hostile.address, guardian.address, "", split(bytes(32), 2, 2)[0], salt)
    sealed = seal_bundle(
        share, context.bundle_context(hostile.address), [one.key.public_key for one in family.guardians]
    )
    root, digest = (
        guardian_leaf(hostile.address, guardian.address, salt),
        context.store.put(Shares((sealed,)).encode()).digest,
    )
    context.chain.send(hostile, context.guardianship.set_plan(root, 0, 1, digest))
    assert guardian.wards() == []
    alone = seal_bundle(share, context.bundle_context(hostile.address), [guardian.key.public_key])
    digest = context.store.put(Shares((alone,)).encode()).digest
    context.chain.send(hostile, context.guardianship.set_plan(root, 0, 1, digest))
    assert [ward.owner for ward in guardian.wards()] == [hostile.address]
    context.chain.send(hostile, context.guardianship.set_plan(bytes([1]) * 32, 0, 1, digest))
    assert guardian.wards() == [], "a share whose proof leads to no plan makes no guardian"


def test_a_plan_that_copies_anothers_shares_makes_no_guardian(family: Family) -> None:
    """A share is bound to its owner: under another owner's plan it does not open."""
    family.appoint()
    context, hostile = family.guardians[0]._context, generate_account()
    family.network.viewer(hostile)
    plan = latest_plans(family.patient._context, family.owner)[family.owner]
    context.chain.send(hostile, context.guardianship.set_plan(plan.guardians, 0, 1, plan.shares))
    assert [ward.owner for ward in family.guardians[0].wards()] == [family.owner]
    with pytest.raises(NoShare):
        family.guardians[0].announce(hostile.address, family.heir.address)


def test_without_a_relayer_a_private_plan_says_what_is_missing(family: Family) -> None:
    if family.patient.wallet_mode:
        pytest.skip("the wallet pays itself")
    alone = family.network.patient(family.patient._account)
    alone._sender = None
    with pytest.raises(MedRecError, match="relay"):
        alone.guardians.appoint([one.address for one in family.guardians], threshold=2, notice=60)
