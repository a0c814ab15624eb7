"""The relayer over HTTP: answers, problem documents, limits, health, metrics; any bytes are answered."""

from __future__ import annotations

import json
import os

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relay_server import RelayServer, body

from medrec_py.errors import ContractRefusal, GrantAlreadyExists, InvalidSignature, MedRecError
from medrec_py.relay.problems import problem_of, problem_of_name
from medrec_py.relay.service import RelayService


def problem(response: httpx.Response) -> dict:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert set(document) == {"type", "title", "status", "detail", "hint", "error", "values"}
    assert document["status"] == response.status_code
    return document


def test_an_act_is_accepted_and_can_be_asked_about(world, server):
    response = server.post(world.granting(world.presented()))
    assert response.status_code == 202
    act = response.json()
    assert act["status"] == "confirmed"
    assert len(act["transaction"]) == 66
    found = server.client.get(f"/v1/acts/{act['id']}")
    assert (found.status_code, found.json()) == (200, act)


def test_without_waiting_the_answer_comes_before_the_end(world, server):
    act = server.post(world.granting(world.presented()), wait=0).json()
    assert act["status"] in ("accepted", "pending")
    assert server.client.get(f"/v1/acts/{act['id']}", params={"wait": 10}).json()["status"] == "confirmed"


def test_a_contracts_refusal_comes_with_its_name_and_values(world, server):
    grant = world.presented()
    server.post(world.granting(grant))
    response = server.post(world.medrec.revoke_with_sig(world.patient.address, os.urandom(32), bytes(65)))
    assert response.status_code == 422
    document = problem(response)
    assert document["error"] == "InvalidSignature"
    assert document["type"] == "urn:medrec:error:InvalidSignature"
    assert document["values"]["signer"] == world.patient.address
    assert document["values"]["structHash"].startswith("0x")
    assert document["hint"]


def test_what_can_be_relayed_and_how_much_is_told(world, server, payer):
    document = server.client.get("/v1").json()
    addresses = world.deployment.addresses
    assert document["chainId"] == world.chain.chain_id
    assert document["medrec"] == addresses["MedRec"]
    assert document["guardianship"] == addresses["Guardianship"]
    assert document["emergency"] == addresses["Emergency"]
    assert document["relayer"] == payer.address
    left = document["gasLeft"]
    assert left == document["limits"]["gasPerDay"] - document["limits"]["withdrawingGasPerDay"]
    server.post(world.granting(world.presented()))
    assert server.client.get("/v1").json()["gasLeft"] < left


def test_a_spent_budget_is_said_with_a_time_to_come_back(world, serve):
    server = serve(gas_per_day=100_000, withdrawing_gas_per_day=0)
    assert server.post(world.granting(world.presented())).status_code == 202
    response = server.post(world.granting(world.presented()))
    assert response.status_code == 429
    assert problem(response)["error"] == "RelayBudgetSpent"
    assert 0 < int(response.headers["retry-after"]) <= 86_400


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1"), ("POST", "/v1/acts"), ("GET", "/v1/acts/0x12")])
def test_too_many_requests_are_refused_for_a_while(serve, method, path):
    server = serve(requests_per_minute=2)
    # Five of them, because a minute may end in between.
    answers = [server.client.request(method, path) for _ in range(5)]
    assert 429 in {answer.status_code for answer in answers}
    assert problem(answers[-1])["error"] == "RelayTooOften"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_a_long_request_is_refused_before_it_is_read_whole(serve):
    server = serve(body_bytes=1000)

    def endless():
        for _ in range(100):
            yield b" " * 1000

    response = server.client.post("/v1/acts", content=endless())
    assert response.status_code == 413
    assert problem(response)["error"] == "InputTooLarge"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"calls": []}',
        b'{"calls": [{}]}',
        b'{"calls": [{"to": 1, "data": "0x"}]}',
        b'{"calls": [{"to": "0x12", "data": "0x"}]}',
        b'{"calls": [{"to": "0x' + b"0" * 40 + b'", "data": "0xz"}]}',
        b'{"calls": [{"to": "0x' + b"0" * 40 + b'", "data": "0x", "value": "1"}]}',
        b'{"calls": [{"to": "0x' + b"0" * 40 + b'", "data": "0x"}], "more": 1}',
        b"[" * 100_000,
        b'"\xff\xfe"',
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(server, content):
    response = server.client.post("/v1/acts", content=content)
    assert response.status_code == 400
    assert problem(response)["error"] == "InvalidInput"


def test_malformed_parameters_and_unknown_places_are_problems_too(server):
    assert problem(server.client.get("/v1/acts/0x12"))["error"] == "UnknownAct"
    assert server.client.get("/v1/acts/0x12").status_code == 404
    assert problem(server.client.get("/v1/acts/0x12", params={"wait": "long"}))["status"] == 400
    assert problem(server.client.get("/v1/acts/0x12", params={"wait": 1e9}))["status"] == 400
    assert problem(server.client.get("/v1/acts/" + "0" * 300))["status"] == 400
    assert problem(server.client.get("/nowhere"))["status"] == 404
    assert problem(server.client.put("/v1/acts"))["status"] == 405


def test_a_key_is_taken_from_its_header(world, server):
    call, other = world.granting(world.presented()), world.granting(world.presented())
    first = server.post(call, **{"idempotency-key": "one"})
    assert first.status_code == 202
    assert server.post(call, **{"idempotency-key": "one"}).json()["id"] == first.json()["id"]
    assert problem(server.post(other, **{"idempotency-key": "one"}))["error"] == "IdempotencyKeyReused"


def test_a_page_of_any_origin_may_ask(server):
    asked = {"origin": "https://records.example", "access-control-request-method": "POST"}
    response = server.client.options("/v1/acts", headers=asked | {"access-control-request-headers": "content-type"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    plain = server.client.get("/v1", headers={"origin": "https://records.example"})
    assert plain.headers["access-control-allow-origin"] == "*"


def test_health_is_good_while_it_works_and_bad_when_nobody_carries(world, server, serve):
    assert server.client.get("/healthz").json() == {"status": "ok", "waiting": 0, "problems": []}
    ended = serve()
    ended.service.close()
    response = ended.client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["problems"] == ["Acts are not being carried."]


def test_inside_another_app_it_begins_with_the_first_act(world, chain, payer):
    """An app that is mounted is not told when the one around it starts."""
    service = RelayService(chain, payer, poll_seconds=0.02)
    with RelayServer(service, mounted_at="/relay") as server:
        assert server.client.get("/healthz").status_code == 503
        assert server.post(world.granting(world.presented())).json()["status"] == "confirmed"
        assert server.client.get("/healthz").status_code == 200
        assert server.client.get("/openapi.json").status_code == 200
        assert problem(server.client.get("/v1/acts/0x12"))["error"] == "UnknownAct"
    service.close()


def test_a_defect_is_answered_and_only_its_kind_is_logged(world, server, monkeypatch, caplog, capfd):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"{world.patient.address} divided by nothing")

    monkeypatch.setattr(server.service, "submit", broken)
    response = server.post(world.granting(world.presented()))
    assert response.status_code == 500
    assert problem(response)["error"] == "RelayUnavailable"
    said = caplog.text + "".join(capfd.readouterr()) + response.text
    assert "ZeroDivisionError" in caplog.text
    assert world.patient.address not in said


def test_what_happens_is_counted(world, server):
    server.post(world.granting(world.presented()))
    server.post(world.medrec.revoke_with_sig(world.patient.address, os.urandom(32), bytes(65)))
    text = server.client.get("/metrics").text
    assert 'medrec_relay_acts_total{status="confirmed"} 1.0' in text
    assert 'medrec_relay_refusals_total{error="InvalidSignature"} 1.0' in text
    assert "medrec_relay_gas_left" in text


def test_the_description_describes_what_is_served_and_needs_no_third_party(server):
    described = server.client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/v1", "/v1/acts", "/v1/acts/{id}", "/healthz", "/metrics"}
    posted = described["paths"]["/v1/acts"]["post"]
    assert posted["requestBody"]["content"]["application/json"]["schema"]["properties"]["calls"]
    assert {"202", "400", "413", "422", "429", "503"} <= set(posted["responses"])
    for page in ("/docs", "/redoc"):
        assert server.client.get(page).status_code == 404


def test_every_error_makes_a_problem_that_fits_json():
    refusal = GrantAlreadyExists("It exists.", grantor="0x12", id=bytes(32), status=2**200)
    document = problem_of(refusal)
    assert json.loads(json.dumps(document))["values"] == {
        "grantor": "0x12",
        "id": "0x" + "00" * 32,
        "status": str(2**200),
    }
    for kind in ContractRefusal.__subclasses__():
        assert problem_of_name(kind.__name__)["error"] == kind.__name__
    assert problem_of_name("Nonsense")["error"] == MedRecError.__name__
    assert problem_of(InvalidSignature("It is not."))["status"] == 422


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    path=st.sampled_from(
        ["/v1", "/v1/acts", "/v1/acts/0x12", "/v1/acts/%00", "/v1/acts/%2e%2e", "/openapi.json", "/x"]
    ),
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["calls", "to", "data"]), inner)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    wait=st.sampled_from(["", "0", "-1", "nan", "inf", "1e400", "x"]),
    key=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0", exclude_categories=["Cc"]), max_size=250),
)
def test_any_request_is_answered_and_nothing_is_ever_a_defect(serve, method, path, content, wait, key):
    server = fuzzed(serve)
    headers = {"idempotency-key": key.encode("latin-1").strip()}
    response = server.client.request(method, path, params={"wait": wait}, content=content, headers=headers)
    assert response.status_code < 500
    if response.status_code >= 400 and method != "OPTIONS":
        problem(response)


def fuzzed(serve, kept: list = []):  # noqa: B006 (one server for all examples of one run)
    if not kept or not kept[0]._thread.is_alive():
        kept[:] = [serve(requests_per_minute=10**9)]
    return kept[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_act_is_refused_and_never_sent(serve, world, payer, chain, data):
    server = fuzzed(serve)
    before = chain.ask("eth_getTransactionCount", server.service.account.address, "latest")
    call = world.granting(world.presented())
    damaged = bytearray(call.data)
    # The last 32 bytes hold one byte of signature and padding, whose value nothing depends on.
    place = data.draw(st.integers(0, len(damaged) - 33))
    damaged[place] ^= data.draw(st.integers(1, 255))
    document = body(call)
    document["calls"][0]["data"] = "0x" + damaged.hex()
    response = server.client.post("/v1/acts", json=document)
    assert response.status_code in (400, 422)
    assert chain.ask("eth_getTransactionCount", server.service.account.address, "latest") == before
