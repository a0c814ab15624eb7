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

for _role in ("patient", "provider", "viewer"):

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
