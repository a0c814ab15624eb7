"""The table of roles and verbs: who may do what in the SDK, each field of it tried out on the embedded network.

Everybody may call every verb; what counts is whether it does anything to the patient's relationships, records and
grants, or shows anything of them. The same table for the contracts alone is `tests/invariant/Roles.t.sol`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from role_setting import PEOPLE, ROLES, Setting, Town, new_account

from medrec_py import MedRec
from medrec_py.crypto import RootKey
from medrec_py.errors import MedRecError
from medrec_py.types.terms import GrantStatus

Try = Callable[[Setting, Any, str], bool]
"""A try of one verb: the setting, the person in the verb's role, their name; whether anything was done or shown."""

TABLE: dict[tuple[str, str], tuple[str, Try]] = {}
"""For each role and verb: who may (`x`) and who may not (`.`), in the order of `PEOPLE`; and how it is tried."""

READS: set[tuple[str, str]] = set()
"""Those that change nothing, so that one setting serves for all who try."""


def row(role: str, verb: str, who: str, *, reads: bool = False) -> Callable[[Try], Try]:
    """Puts a verb into the table."""

    def put(attempt: Try) -> Try:
        assert (role, verb) not in TABLE
        TABLE[role, verb] = (who, attempt)
        if reads:
            READS.add((role, verb))
        return attempt

    return put


# patient, other patient, hospital, other hospital, clinic, partner, agent, registrar, stranger

# ── anybody, about themselves ──

for _role in ("patient", "provider", "viewer", "guardian", "custodian"):

    @row(_role, "register", "xxxxxxxxx")
    def _register(on: Setting, person: Any, name: str) -> bool:
        before = on.registration(name)
        person.register(name=name)
        return on.registration(name) != before


@row("relayer", "relay", "xxxxxxxxx")
def _relay(on: Setting, person: Any, name: str) -> bool:
    """A relayer needs nobody's leave: the signature is the patient's."""
    signature = on.patient._actor.sign("Revocation", {"actor": on.subject, "id": on.grant.id})
    person.relay([on.patient._context.medrec.revoke_with_sig(on.subject, on.grant.id, signature)])
    return not on.permits(on.grant)


# ── the patient ──


@row("patient", "next_subject", "x........", reads=True)
def _next_subject(on: Setting, person: Any, name: str) -> bool:
    return person.next_subject() == on.subject


@row("patient", "subjects", "x........", reads=True)
def _subjects(on: Setting, person: Any, name: str) -> bool:
    return on.subject in person.subjects()


@row("patient", "accept", "x........")
def _accept(on: Setting, person: Any, name: str) -> bool:
    person.accept(on.role("provider", "other hospital").invite(on.subject))
    return on.is_open("other hospital")


@row("patient", "close", "x........")
def _close(on: Setting, person: Any, name: str) -> bool:
    person.close(on.subject, on.address["hospital"])
    return not on.is_open("hospital")


@row("patient", "relationships", "x........", reads=True)
def _relationships(on: Setting, person: Any, name: str) -> bool:
    return any(item.subject == on.subject for item in person.relationships())


@row("patient", "records", "x........", reads=True)
def _records(on: Setting, person: Any, name: str) -> bool:
    return any(item.digest == on.digest for item in person.records())


@row("patient", "publish", "x........")
def _publish_own(on: Setting, person: Any, name: str) -> bool:
    """Everybody has a ledger for records of their own; this one is the patient's."""
    before = on.head
    person.publish(on.document("own"))
    return on.head != before


@row("patient", "resume_publications", "x........")
def _resume_own_publications(on: Setting, person: Any, name: str) -> bool:
    on.have_a_publication_wait("patient")
    before = on.head
    person.resume_publications()
    return on.head != before


@row("patient", "retry_publication", "x........")
def _retry_own_publication(on: Setting, person: Any, name: str) -> bool:
    id = on.have_a_publication_wait("patient", refused=True)
    before = on.head
    person.retry_publication(id)
    return on.head != before


@row("patient", "export", "x........", reads=True)
def _export(on: Setting, person: Any, name: str) -> bool:
    written = person.export(Path.cwd() / f"{name}.json")
    return any(entry["resource"]["id"] == "first" for entry in json.loads(Path(written["bundle"]).read_text())["entry"])


@row("patient", "grant", "x........")
def _grant(on: Setting, person: Any, name: str) -> bool:
    """OnlySubjectGrants: what anybody else says about the patient's records permits nothing."""
    return on.permits(person.grant(on.address["stranger"], classes="laboratory", subject=on.subject))


@row("patient", "grants", "x........", reads=True)
def _grants(on: Setting, person: Any, name: str) -> bool:
    return on.grant.id in [item.id for item in person.grants()]


@row("patient", "revoke", "x........")
def _revoke(on: Setting, person: Any, name: str) -> bool:
    person.revoke(on.grant.id)
    return not on.permits(on.grant)


@row("patient", "suspend", "x........")
def _suspend(on: Setting, person: Any, name: str) -> bool:
    person.suspend(on.grant.id)
    return not on.permits(on.grant)


@row("patient", "resume", "x........")
def _resume(on: Setting, person: Any, name: str) -> bool:
    if on.status(on.grant) is GrantStatus.ACTIVE:
        on.patient.suspend(on.grant)
    person.resume(on.grant.id)
    return on.permits(on.grant)


@row("patient", "revoke_agent", "x........")
def _revoke_agent(on: Setting, person: Any, name: str) -> bool:
    person.revoke_agent(on.grant.id)
    return not on.permits(on.grant, agent=True)


@row("patient", "rekey", "x........")
def _rekey(on: Setting, person: Any, name: str) -> bool:
    if on.permits(on.grant):
        on.patient.revoke(on.grant, rekey=False)
    before = on.head
    person.rekey()
    return on.head != before


@row("patient", "verify", "x........", reads=True)
def _verify(on: Setting, person: Any, name: str) -> bool:
    return on.subject in person.verify().heads


@row("patient", "audit", "x........", reads=True)
def _audit(on: Setting, person: Any, name: str) -> bool:
    """What stands on chain everybody can look up; here a wallet asks for its own history."""
    return any(item.actor == on.subject and item.act == "Granted" for item in person.audit())


# ── the provider ──


@row("provider", "invite", "..xx.....")
def _invite(on: Setting, person: Any, name: str) -> bool:
    """Whoever is accredited may ask; the patient's acceptance is what opens anything."""
    fresh = Setting(on.town, related=False)
    fresh.patient.accept(person.invite(fresh.subject))
    return fresh.is_open(name)


@row("provider", "relationships", "..x......", reads=True)
def _relationships_of_provider(on: Setting, person: Any, name: str) -> bool:
    return any(item.subject == on.subject for item in person.relationships())


@row("provider", "close", "..x......")
def _close_as_provider(on: Setting, person: Any, name: str) -> bool:
    person.close(on.subject)
    return not on.is_open("hospital")


@row("provider", "publish", "..x......")
def _publish(on: Setting, person: Any, name: str) -> bool:
    """OnlyRelatedAuthors: accredited is not enough, nor is being granted."""
    before = on.head
    person.publish(on.subject, on.document("more"))
    return on.head != before


@row("provider", "publish_many", "..x......")
def _publish_many(on: Setting, person: Any, name: str) -> bool:
    before = on.batch_head(name)
    person.publish_many({on.subject: on.document("batched")})
    return on.batch_head(name) != before and "batched" in [item.record.id for item in on.patient.records()]


@row("provider", "resume", "..x......")
def _resume_publications(on: Setting, person: Any, name: str) -> bool:
    """An accepted publication waits for the account that it is to be signed with."""
    on.have_a_publication_wait()
    before = on.head
    person.resume()
    return on.head != before


@row("provider", "retry", "..x......")
def _retry_publication(on: Setting, person: Any, name: str) -> bool:
    id = on.have_a_publication_wait(refused=True)
    before = on.head
    person.retry(id)
    return on.head != before


@row("provider", "retract", "x.x......")
def _retract(on: Setting, person: Any, name: str) -> bool:
    """Readers heed the author of a parcel; patients may write what they like into their own ledger."""
    before = on.head
    person.retract(on.subject, on.digest)
    return on.head != before


@row("provider", "records", "..x......", reads=True)
def _records_of_provider(on: Setting, person: Any, name: str) -> bool:
    return any(item.digest == on.digest for item in person.records(on.subject))


@row("provider", "keys", "..x......", reads=True)
def _keys(on: Setting, person: Any, name: str) -> bool:
    return bool(person.keys(on.subject).nodes)


# ── the viewer ──


@row("viewer", "grants", "x...x....", reads=True)
def _grants_of_viewer(on: Setting, person: Any, name: str) -> bool:
    return on.grant.id in [item.id for item in person.grants()]


@row("viewer", "read", "....xx...", reads=True)
def _read(on: Setting, person: Any, name: str) -> bool:
    return any(item.digest == on.digest for item in person.read(subject=on.subject, classes="laboratory").records)


@row("viewer", "can_open", "x...xx...", reads=True)
def _can_open(on: Setting, person: Any, name: str) -> bool:
    return bool(person.can_open(on.digest, subject=on.subject))


@row("viewer", "sub_grant", "....x....")
def _sub_grant(on: Setting, person: Any, name: str) -> bool:
    return on.permits(person.sub_grant(on.grant.id, on.address["stranger"], classes="laboratory"))


@row("viewer", "renounce", "....x....")
def _renounce(on: Setting, person: Any, name: str) -> bool:
    person.renounce(on.grant.id)
    return not on.permits(on.grant)


@row("viewer", "revoke", "x...x....")
def _revoke_sub_grant(on: Setting, person: Any, name: str) -> bool:
    """A sub-grant is withdrawn by the one who made it, and by the patient."""
    person.revoke(on.sub_grant.id)
    return not on.permits(on.sub_grant)


@row("viewer", "suspend", "....x....")
def _suspend_sub_grant(on: Setting, person: Any, name: str) -> bool:
    person.suspend(on.sub_grant.id)
    return not on.permits(on.sub_grant)


@row("viewer", "resume", "....x....")
def _resume_sub_grant(on: Setting, person: Any, name: str) -> bool:
    if on.status(on.sub_grant) is GrantStatus.ACTIVE:
        on.clinic.suspend(on.sub_grant)
    person.resume(on.sub_grant.id)
    return on.permits(on.sub_grant)


@row("viewer", "revoke_agent", "x...x....")
def _revoke_agent_of_viewer(on: Setting, person: Any, name: str) -> bool:
    person.revoke_agent(on.grant.id)
    return not on.permits(on.grant, agent=True)


# ── the registrar ──


@row("registrar", "accredit", ".......x.")
def _accredit(on: Setting, person: Any, name: str) -> bool:
    newcomer = new_account()
    on.network.viewer(newcomer).register()
    person.accredit(newcomer.address)
    return on.patient._context.registrar.is_accredited(newcomer.address, 1)


@row("registrar", "withdraw_accreditation", ".......x.")
def _withdraw_accreditation(on: Setting, person: Any, name: str) -> bool:
    newcomer = new_account()
    on.network.viewer(newcomer).register()
    on.network.registrar().accredit(newcomer.address)
    person.withdraw_accreditation(newcomer.address)
    return not on.patient._context.registrar.is_accredited(newcomer.address, 1)


@row("registrar", "publish_vocabulary", ".......x.")
def _publish_vocabulary(on: Setting, person: Any, name: str) -> bool:
    table = on.digest
    person.publish_vocabulary(table)
    return on.patient._context.registrar.is_vocabulary(table)


# ── delegates ──


@row("delegates", "name", "x........")
def _name_delegate(on: Setting, person: Any, name: str) -> bool:
    person.name(on.address["other patient"], until="2090-01-01")
    return on.is_delegate


@row("delegates", "dismiss", "x........")
def _dismiss_delegate(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.dismiss(on.address["other patient"])
    return not on.is_delegate


@row("delegates", "list", "x........")
def _list_delegates(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    return any(one.subject == on.subject for one in person.list())


@row("viewer", "delegations", ".x.......")
def _delegations(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    return any(one.subject == on.subject for one in person.delegations())


@row("viewer", "revoke_for", ".x.......")
def _revoke_for(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.revoke_for(on.subject, on.grant.id)
    return not on.permits(on.grant)


@row("viewer", "suspend_for", ".x.......")
def _suspend_for(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.suspend_for(on.subject, on.grant.id)
    return not on.permits(on.grant)


@row("viewer", "revoke_agent_for", ".x.......")
def _revoke_agent_for(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.revoke_agent_for(on.subject, on.grant.id)
    return not on.permits(on.grant, agent=True)


@row("viewer", "close_for", ".x.......")
def _close_for(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.close_for(on.subject, on.address["hospital"])
    return not on.is_open("hospital")


@row("viewer", "resign", ".x.......")
def _resign(on: Setting, person: Any, name: str) -> bool:
    on.have_delegate()
    person.resign(on.subject)
    return not on.is_delegate


# ── after silence ──


@row("delegates", "after_silence", "x........")
def _after_silence(on: Setting, person: Any, name: str) -> bool:
    person.after_silence(on.address["stranger"], silence=60, notice=60, classes="laboratory", subject=on.subject)
    return on.patient._context.guardianship.plan_of(on.subject).stands


@row("delegates", "switches", "x........")
def _switches(on: Setting, person: Any, name: str) -> bool:
    on.have_switch()
    return any(one.subject == on.subject for one in person.switches())


@row("delegates", "life_sign", "x........")
def _life_sign_to_a_delegate(on: Setting, person: Any, name: str) -> bool:
    switch = on.have_switch(announced=True)
    person.life_sign(subject=on.subject)
    return not on.permits(switch)


@row("delegates", "keep_alive", "x........")
def _keep_alive_for_a_delegate(on: Setting, person: Any, name: str) -> bool:
    switch = on.have_switch(announced=True)
    person.keep_alive(on.subject)
    return not on.permits(switch)


@row("viewer", "switches", ".x.......")
def _switches_to_me(on: Setting, person: Any, name: str) -> bool:
    on.have_switch()
    return any(one.subject == on.subject for one in person.switches())


@row("viewer", "announce_for", ".x.......")
def _announce_for(on: Setting, person: Any, name: str) -> bool:
    switch = on.have_switch()
    on.pass_time(62)
    person.announce_for(on.subject)
    on.pass_time(61)
    return on.permits(switch)


# ── guardians ──


@row("guardians", "appoint", "x........")
def _appoint(on: Setting, person: Any, name: str) -> bool:
    turn = on.turn
    person.appoint([on.address["clinic"], on.address["partner"]], threshold=2, notice=60)
    return on.turn != turn


@row("guardians", "plan", "x........")
def _plan(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians()
    plan = person.plan()
    return plan is not None and plan.owner == owner


@row("guardians", "life_sign", "x........")
def _life_sign(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians(announced=True)
    person.life_sign()
    return on.patient._context.guardianship.opens_at(owner, on.address["stranger"]) == 0


@row("guardians", "keep_alive", "x........")
def _keep_alive(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians(announced=True)
    person.keep_alive()
    return on.patient._context.guardianship.opens_at(owner, on.address["stranger"]) == 0


@row("guardians", "end", "x........")
def _end_plan(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians()
    person.end()
    return not on.patient._context.guardianship.plan_of(owner).stands


@row("guardians", "recoveries", "........x")
def _recoveries(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians(announced=True)
    return any(one.owner == owner for one in person.recoveries())


@row("guardians", "recover", "........x")
def _recover(on: Setting, person: Any, name: str) -> bool:
    """Whoever the guardians have released to, and nobody else: not even the guardians themselves."""
    person.recover(on.have_guardians(released=True))
    return any(item.digest == on.digest for item in person._patient.records())


@row("guardian", "wards", "....xx...")
def _wards(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians()
    return any(one.owner == owner for one in person.wards())


@row("guardian", "announce", "....xx...")
def _announce(on: Setting, person: Any, name: str) -> bool:
    owner = on.have_guardians()
    person.announce(owner, on.address["agent"])
    return on.patient._context.guardianship.opens_at(owner, on.address["agent"]) != 0


@row("guardian", "release", "....xx...")
def _release_share(on: Setting, person: Any, name: str) -> bool:
    return person.release(on.have_guardians(announced=True), on.address["stranger"]) is not None


# ── emergencies ──


@row("emergency", "prepare", "x........")
def _prepare(on: Setting, person: Any, name: str) -> bool:
    before = on.patient._context.emergency.prepared_of(on.subject)
    person.prepare("laboratory", [on.address["clinic"], on.address["partner"]], subject=on.subject)
    return on.patient._context.emergency.prepared_of(on.subject) != before


@row("emergency", "withdraw", "x........")
def _withdraw_prepared(on: Setting, person: Any, name: str) -> bool:
    on.have_prepared()
    person.withdraw()
    return not on.patient._context.emergency.prepared_of(on.subject).stands


@row("emergency", "plans", "x........")
def _plans(on: Setting, person: Any, name: str) -> bool:
    on.have_prepared()
    return any(one.grant.subject == on.subject for one in person.plans())


@row("emergency", "declarations", "x........")
def _declarations(on: Setting, person: Any, name: str) -> bool:
    emergency = on.have_emergency()
    return any(one.id == emergency.id and one.reason == "unconscious" for one in person.declarations())


@row("provider", "declare_emergency", "...x.....")
def _declare(on: Setting, person: Any, name: str) -> bool:
    on.have_prepared()
    return bool(person.declare_emergency(on.subject, reason="unconscious").stands)


@row("provider", "emergencies", "...x.....")
def _emergencies(on: Setting, person: Any, name: str) -> bool:
    emergency = on.have_emergency()
    return any(one.id == emergency.id for one in person.emergencies())


@row("provider", "emergency_records", "...x.....")
def _emergency_records(on: Setting, person: Any, name: str) -> bool:
    emergency = on.have_emergency()
    for custodian in ("clinic", "partner"):
        on.role("custodian", custodian).release(emergency)
    return any(item.digest == on.digest for item in person.emergency_records(on.subject).records)


@row("custodian", "requests", "....xx...")
def _requests(on: Setting, person: Any, name: str) -> bool:
    emergency = on.have_emergency()
    return any(one.id == emergency.id for one in person.requests())


@row("custodian", "release", "....xx...")
def _release_key(on: Setting, person: Any, name: str) -> bool:
    return person.release(on.have_emergency()) is not None


# ── other wallets ──


@row("patient", "inherit", "x........")
def _inherit(on: Setting, person: Any, name: str) -> bool:
    """Everybody may inherit for themselves; this looks whether anybody can make the patient inherit."""
    before = on.head
    person.inherit(RootKey.random())
    return on.head != before


@row("moving", "to", "x........")
def _move(on: Setting, person: Any, name: str) -> bool:
    return any(one.subject == on.subject for one in person.to(on.network.patient()).relationships)


@row("moving", "settle", "........x")
def _settle(on: Setting, person: Any, name: str) -> bool:
    """The stranger has recovered what was the patient's."""
    on.role("guardians", "stranger").recover(on.have_guardians(released=True))
    return any(one.subject == on.subject for one in person.settle().relationships)


@row("provider", "follow", "..x......")
def _follow(on: Setting, person: Any, name: str) -> bool:
    (moved,) = on.have_moved().relationships
    return any(one.subject == moved.successor for one in person.follow())


# ── tried out ──


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with MedRec.embedded() as network:
        yield Town.of(network)


@pytest.fixture(scope="module")
def untouched(town: Town) -> Setting:
    """The setting of all who only look."""
    return Setting(town)


def _did(on: Setting, key: tuple[str, str], person: str) -> bool:
    try:
        return TABLE[key][1](on, on.role(key[0], person), person)
    except MedRecError:
        return False


@pytest.mark.parametrize("key", TABLE, ids=".".join)
def test_who_may_do_what(
    key: tuple[str, str], town: Town, untouched: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OnlySubjectGrants, OnlyRelatedAuthors: all who may not try in one setting, each who may in another."""
    monkeypatch.chdir(tmp_path)
    who = TABLE[key][0]
    assert len(who) == len(PEOPLE)
    may = [person for person, sign in zip(PEOPLE, who, strict=True) if sign == "x"]
    may_not = [person for person in PEOPLE if person not in may]
    setting = untouched if key in READS else Setting(town)
    assert [person for person in may_not if _did(setting, key, person)] == []
    assert [person for person in may if _did(untouched if key in READS else Setting(town), key, person)] == may


def test_the_table_has_every_verb() -> None:
    verbs = {
        (name, verb)
        for name, role in ROLES.items()
        for verb, _ in inspect.getmembers(role, inspect.isfunction)
        if not verb.startswith("_")
    }
    assert set(TABLE) == verbs
