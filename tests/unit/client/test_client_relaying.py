"""Acts through relayers over HTTP: several tried in turn, none believed without the chain."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_world import World, ids, ndjson, observation
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "relay"))

from relay_server import RelayServer

from medrec_py.chain import Call, EmbeddedChain, generate_account
from medrec_py.client.relaying import HttpRelayer, error_of_problem, is_relay_address
from medrec_py.errors import (
    GrantAlreadyExists,
    InvalidInput,
    InvalidSignature,
    MedRecError,
    Refused,
    RelayBudgetSpent,
    RelayInconsistent,
    RelayUnavailable,
)
from medrec_py.relay.limits import RelayLimits
from medrec_py.relay.problems import problem_of
from medrec_py.relay.service import RelayService


@pytest.fixture
def relayer(world: World) -> Iterator[RelayServer]:
    chain = world.network.chain
    assert isinstance(chain, EmbeddedChain)
    payer = generate_account()
    chain.fund(payer.address, 10**18)
    with RelayServer(RelayService(chain, payer, poll_seconds=0.02)) as server:
        yield server


class Answering:
    """A server that answers everything in one way, and counts how often it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        answering = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answering.asked += 1
                self.rfile.read(int(self.headers.get("content-length", "0")))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Answering:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answering(document: object, status: int = 200) -> Answering:
    return Answering(status, json.dumps(document).encode())


def forged(world: World) -> Call:
    from medrec_py.chain import MedRecContract

    medrec = MedRecContract(world.network.deployment, world.network.chain)
    return medrec.revoke_with_sig(world.clinic.address, bytes(32), bytes(65))


def test_a_patient_with_an_empty_account_does_everything_through_a_relayer(world, relayer):
    patient = world.network.patient(relayer=relayer.url)
    patient.accept(world.hospital.invite(patient.next_subject()))
    subject = patient.relationships()[0].subject
    world.hospital.publish(subject, ndjson(observation("one", "2024-01-02")))
    grant = patient.grant(world.clinic.address, classes=["laboratory"])
    assert ids(world.clinic.read(grant=grant).records) == ["one"]
    patient.revoke(grant.id)
    with pytest.raises(Refused):
        world.clinic.read(grant=grant)
    assert relayer.client.get("/v1").json()["gasLeft"] < RelayLimits().gas_per_day


def test_the_next_relayer_is_tried_when_one_can_not(world, relayer):
    spent = problem_of(RelayBudgetSpent("Nothing is left.", retry_after=5))
    with answering(spent, 429) as poor, Answering(500, b"oops") as broken, answering([1]) as absurd:
        urls = ["http://127.0.0.1:9", poor.url, broken.url, absurd.url, relayer.url]
        patient = world.network.patient(relayer=",".join(urls))
        patient.accept(world.hospital.invite(patient.next_subject()))
        assert (poor.asked, broken.asked, absurd.asked) == (1, 1, 1)
    assert len(patient.relationships()) == 1


def test_a_contracts_refusal_is_not_tried_elsewhere_and_is_the_same_error(world, relayer):
    with answering({}, 500) as other:
        with pytest.raises(InvalidSignature) as refused:
            HttpRelayer([relayer.url, other.url], world.network.chain).relay([forged(world)])
        assert other.asked == 0
    assert refused.value.facts["signer"] == world.clinic.address
    assert isinstance(refused.value.facts["structHash"], bytes)


@pytest.mark.parametrize(
    "lie",
    [
        (422, problem_of(InvalidSignature("It is forged.", signer="0x12", structHash=bytes(32)))),
        (409, problem_of(GrantAlreadyExists("It exists.", grantor="0x12", id=bytes(32), status=1))),
        (400, problem_of(InvalidInput("This is no signed act."))),
        (202, {"id": "0x12", "status": "pending", "transaction": None}),
        (202, {"id": "0x12", "status": "failed", "problem": problem_of(Refused("The chain refused."))}),
        (202, {"id": "0x12", "status": "confirmed", "transaction": "0x" + "12" * 32}),
    ],
    ids=["says the contracts refuse", "says it was done", "says it is none", "stalls", "failed", "confirmed"],
)
def test_a_relayer_that_lies_keeps_no_act_from_the_next_one(world, relayer, lie):
    """Whoever relays for somebody could stop their veto or revocation so, and they would believe the contracts do."""
    status, document = lie
    with answering(document, status) as liar:
        senders = HttpRelayer([liar.url, relayer.url], world.network.chain, timeout=2)
        patient = world.network.patient(relayer=senders)
        patient.accept(world.hospital.invite(patient.next_subject()))
        assert liar.asked
    assert len(patient.relationships()) == 1


def test_what_a_relayer_says_of_the_contracts_is_asked_of_the_chain(world):
    """Alone it can keep the act back, and is named for it; but it can't pass for the contracts."""
    refusal = problem_of(GrantAlreadyExists("It exists.", grantor="0x12", id=bytes(32), status=1))
    patient = world.network.patient()
    invitation = world.hospital.invite(patient.next_subject())
    with answering(refusal, 409) as liar:
        victim = world.network.patient(patient._account, relayer=liar.url)
        with pytest.raises(RelayUnavailable, match=r"the chain does not"):
            victim.accept(invitation)


def test_when_all_refuse_every_reason_is_told(world):
    spent = problem_of(RelayBudgetSpent("Nothing is left.", retry_after=5))
    with answering(spent, 429) as poor:
        with pytest.raises(RelayUnavailable, match=r"None of the 2 relayers.*does not answer.*Nothing is left"):
            HttpRelayer(["http://127.0.0.1:9", poor.url], world.network.chain).relay([forged(world)])
        with pytest.raises(RelayBudgetSpent) as refused:
            HttpRelayer(poor.url, world.network.chain).relay([forged(world)])
    assert refused.value.facts["retry_after"] == 5


def test_a_relayer_that_names_another_transaction_is_not_believed(world):
    chain = world.network.chain
    assert isinstance(chain, EmbeddedChain)
    other = chain.fund(generate_account().address, 1)
    lie = {"id": "0x12", "status": "confirmed", "transaction": "0x" + other.hash.hex()}
    with answering(lie) as liar, pytest.raises(RelayInconsistent):
        HttpRelayer(liar.url, chain).relay([forged(world)])


def test_a_relayer_that_names_another_act_of_the_same_contract_is_not_believed(world, relayer):
    patient = world.network.patient(relayer=relayer.url)
    patient.accept(world.hospital.invite(patient.next_subject()))
    head = world.network.chain.ask("eth_getBlockByNumber", "latest", False)
    [opened] = {
        "0x" + logged.transaction_hash.hex()
        for logged in world.network.chain.logs(int(head["number"], 16), int(head["number"], 16))
    }
    lie = {"id": "0x12", "status": "confirmed", "transaction": opened}
    with answering(lie) as liar, pytest.raises(RelayInconsistent):
        HttpRelayer(liar.url, world.network.chain).relay([forged(world)])


def test_a_relayer_that_claims_what_the_chain_does_not_know_is_not_believed(world):
    lie = {"id": "0x12", "status": "confirmed", "transaction": "0x" + "12" * 32}
    with answering(lie) as liar, pytest.raises(MedRecError, match="was not mined"):
        HttpRelayer(liar.url, world.network.chain, timeout=0.2).relay([forged(world)])


def test_an_act_that_the_first_relayer_did_after_all_is_no_refusal_by_the_second(world, relayer):
    """The first brings the act to the chain and then answers nonsense; the second finds it done."""
    patient = world.network.patient(relayer=relayer.url)
    patient.accept(world.hospital.invite(patient.next_subject()))
    sent: list[list[Call]] = []

    class Noting:
        def relay(self, calls):
            sent.append(list(calls))
            return HttpRelayer(relayer.url, world.network.chain).relay(calls)

    patient = world.network.patient(relayer=Noting())
    patient.accept(world.hospital.invite(patient.next_subject()))
    calls = sent[0]
    act = relayer.post(*calls).json()
    taken = {"id": "0x12", "status": "pending", "transaction": act["transaction"]}
    refusal = problem_of(InvalidSignature("It is signed for another number.", signer="0x12", structHash=bytes(32)))

    class Twice(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.answer(202, taken)

        def do_GET(self) -> None:
            self.answer(502, {})

        def answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    first = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Twice)
    threading.Thread(target=first.serve_forever, daemon=True).start()
    try:
        with answering(refusal, 422) as second:
            urls = [f"http://127.0.0.1:{first.server_port}", second.url]
            receipt = HttpRelayer(urls, world.network.chain).relay(calls)
    finally:
        first.shutdown()
        first.server_close()
    assert "0x" + receipt.hash.hex() == act["transaction"]


def test_two_relayers_that_lie_together_make_no_act_look_done(world):
    """One names somebody's mined transaction and falls silent; the other says that it was done before."""
    chain = world.network.chain
    assert isinstance(chain, EmbeddedChain)
    other = chain.fund(generate_account().address, 1)
    taken = {"id": "0x12", "status": "pending", "transaction": "0x" + other.hash.hex()}
    refusal = problem_of(GrantAlreadyExists("It exists.", grantor="0x12", id=bytes(32), status=1))
    patient = world.network.patient()
    invitation = world.hospital.invite(patient.next_subject())
    with answering(taken, 202) as first, answering(refusal, 409) as second:
        senders = HttpRelayer([first.url, second.url], chain, timeout=1)
        with pytest.raises(RelayUnavailable, match="None of the 2 relayers"):
            world.network.patient(patient._account, relayer=senders).accept(invitation)


def test_addresses_that_are_none_are_refused(world):
    for urls in ("", "ftp://relay.example", "http://", [], ["https://relay.example", "hospital"]):
        with pytest.raises(InvalidInput, match="names no relayer"):
            HttpRelayer(urls, world.network.chain)
    assert not is_relay_address("0x" + "12" * 32)
    assert HttpRelayer("https://a.example/, https://b.example/relay/", world.network.chain).urls == (
        "https://a.example",
        "https://b.example/relay",
    )


def test_a_problem_comes_back_as_the_error_that_it_was():
    error = GrantAlreadyExists("It exists.", grantor="0x12", id=b"\x07" * 32, status=2**70)
    back = error_of_problem(json.loads(json.dumps(problem_of(error))))
    assert type(back) is GrantAlreadyExists
    assert (back.message, back.hint, back.facts) == (error.message, error.hint, error.facts)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["InvalidSignature", "MedRecError", "annotations", "ClassVar", "__doc__", "Refused", "int"])


@given(
    st.one_of(
        json_values,
        st.fixed_dictionaries(
            {
                "error": names | json_values,
                "values": st.dictionaries(
                    st.sampled_from(["signer", "structHash", "message", "hint", "self", "class", "x y"]), json_values
                )
                | json_values,
                "detail": json_values,
                "hint": json_values,
            }
        ),
    )
)
def test_any_document_stands_for_some_error(document):
    assert isinstance(error_of_problem(document), MedRecError)


@given(st.dictionaries(st.sampled_from(["id", "status", "transaction", "problem"]), json_values | st.just("confirmed")))
def test_any_answer_of_a_relayer_is_an_error_of_the_tree(world, document):
    relayer = HttpRelayer("http://127.0.0.1:9", world.network.chain, timeout=0.05)
    relayer._ask = lambda *_: document
    with pytest.raises(MedRecError):
        relayer.relay([forged(world)])
