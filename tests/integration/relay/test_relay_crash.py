"""A relayer that is killed (SIGKILL) at each step: after the next start every act happens, once."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from medrec_py.relay.service import RelayStep

pytestmark = pytest.mark.servers


def body(call):
    return {"calls": [{"to": call.to, "data": "0x" + call.data.hex()}]}


def count(world, relayer, block="latest") -> int:
    return int(world.chain.ask("eth_getTransactionCount", relayer.account.address, block), 16)


@pytest.mark.parametrize("step", list(RelayStep))
def test_whichever_step_is_the_last_the_act_happens_once(world, killable, step):
    relayer, grant = killable(), world.presented()
    call = world.granting(grant)
    with relayer.start(step) as client, suppress(httpx.HTTPError):
        # Its last step may come before the answer or after it.
        client.post("/v1/acts", params={"wait": 30}, json=body(call))
    relayer.was_killed()
    with relayer.start() as client:
        act = client.post("/v1/acts", params={"wait": 30}, json=body(call)).json()
    assert act["status"] == "confirmed"
    assert world.medrec.permits([grant], world.request())
    assert count(world, relayer) == 1


def test_many_acts_survive_their_relayer(world, killable):
    """Killed while twelve acts of different patients are on their way, none of them mined."""
    from dataclasses import replace

    from medrec_py.chain import generate_account

    relayer = killable()
    people = [replace(world, patient=generate_account()) for _ in range(12)]
    grants = [person.presented() for person in people]
    calls = [person.granting(grant) for person, grant in zip(people, grants, strict=True)]
    world.chain.ask("evm_setAutomine", False)
    with relayer.start() as client:
        ids = [client.post("/v1/acts", json=body(call)).json()["id"] for call in calls]
    relayer.process.kill()
    relayer.was_killed()
    # The node forgets them too, as a node does that is restarted.
    world.chain.ask("anvil_dropAllTransactions")
    world.chain.ask("evm_setAutomine", True)
    with relayer.start() as client:
        acts = [client.get(f"/v1/acts/{id}", params={"wait": 60}).json() for id in ids]
    assert {act["status"] for act in acts} == {"confirmed"}
    assert all(person.medrec.permits([grant], person.request()) for person, grant in zip(people, grants, strict=True))
    assert count(world, relayer) == 12
