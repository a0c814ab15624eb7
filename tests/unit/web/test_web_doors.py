"""The doors of the site: the chain to read, sealed objects to fetch and to store. What else is asked is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asgi_client import SiteClient, run
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrec_py.errors import ChainUnavailable, StoreUnavailable
from medrec_py.storage import Cid, FolderStore
from medrec_py.web import Allowance, Backend, Limits, Page, PageConfig, create_site
from medrec_py.web.jsonrpc import MOST_BYTES, MOST_REQUESTS, RpcDoor

RAW = "application/vnd.ipld.raw"
NO_OBJECT = Cid.raw(bytes(32))


def ask(site: SiteClient, *requests: object) -> Any:
    body = json.dumps(requests[0] if len(requests) == 1 else requests)
    answer = site.post("/rpc", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    return answer.json()


def request(method: str, *parameters: object, id: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": list(parameters)}


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_chain_can_be_read(site: SiteClient, backend: Backend):
    assert ask(site, request("eth_chainId")) == {"jsonrpc": "2.0", "id": 1, "result": "0x539"}
    code = ask(site, request("eth_getCode", backend.deployment.medrec, "latest"))["result"]
    assert bytes.fromhex(code[2:]) == backend.chain.code(backend.deployment.medrec)


@pytest.mark.parametrize(
    "method",
    [
        *("eth_accounts", "eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_newFilter", "eth_mining"),
        *("evm_mine", "evm_increaseTime", "anvil_setBalance", "anvil_impersonateAccount", "debug_traceCall"),
        *("personal_unlockAccount", "admin_peers", "txpool_content", "trace_block", "ETH_CALL", ""),
    ],
)
def test_what_a_page_has_no_need_of_is_not_offered(site: SiteClient, backend: Backend, method: str):
    before = backend.chain.head_number()
    assert ask(site, request(method))["error"]["code"] == -32601
    assert backend.chain.head_number() == before


def test_a_refused_request_in_a_batch_costs_the_others_nothing(site: SiteClient):
    answers = ask(site, request("eth_chainId", id="a"), request("evm_mine", id="b"), 7, request("eth_call", 3, id="c"))
    assert [answer.get("id") for answer in answers] == ["a", "b", None, "c"]
    assert answers[0]["result"] == "0x539"
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32601, -32600, -32602]


def test_a_revert_keeps_its_data(site: SiteClient, backend: Backend):
    data = "0x" + "deadbeef"  # no function of the contract
    answer = ask(site, request("eth_call", {"to": backend.deployment.medrec, "data": data}, "latest"))
    assert answer["error"]["data"].startswith("0x")


def test_logs_are_filtered_as_the_execution_api_says(site: SiteClient, backend: Backend):
    everything = ask(site, request("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}))["result"]
    assert len({log["topics"][0] for log in everything}) > 1
    one = everything[0]
    for query in (
        {"fromBlock": "0x0", "topics": [one["topics"][0]]},
        {"fromBlock": "0x0", "topics": [[one["topics"][0], "0x" + "00" * 32]]},
    ):
        found = ask(site, request("eth_getLogs", query))["result"]
        assert found == [log for log in everything if log["topics"][0] == one["topics"][0]]
    by_address = ask(site, request("eth_getLogs", {"fromBlock": "0x0", "address": one["address"]}))["result"]
    assert by_address == [log for log in everything if log["address"] == one["address"]]
    by_hash = ask(site, request("eth_getLogs", {"blockHash": one["blockHash"]}))["result"]
    assert by_hash == [log for log in everything if log["blockHash"] == one["blockHash"]]
    longer = ask(site, request("eth_getLogs", {"fromBlock": "0x0", "topics": [None] * 5}))["result"]
    assert longer == []


def test_a_batch_has_an_end(site: SiteClient):
    assert len(ask(site, *[request("eth_chainId")] * MOST_REQUESTS)) == MOST_REQUESTS
    assert ask(site, *[request("eth_chainId")] * (MOST_REQUESTS + 1))["error"]["code"] == -32600
    assert ask(site, [])["error"]["code"] == -32600


def test_a_body_has_an_end_and_a_type(site: SiteClient):
    json_type = {"content-type": "application/json"}
    assert site.post("/rpc", content=b" " * (MOST_BYTES + 1), headers=json_type).status_code == 413
    # Without a length said beforehand.
    assert site.post("/rpc", content=iter([b" " * MOST_BYTES, b" "]), headers=json_type).status_code == 413
    for other in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"):
        answer = site.post("/rpc", content=b"{}", headers={"content-type": other})
        assert answer.status_code == 415, "a page of another site could send this without being asked first"


def test_notifications_get_no_answer(site: SiteClient):
    asked = json.dumps({"jsonrpc": "2.0", "method": "eth_chainId"})
    answer = site.post("/rpc", content=asked, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")


class Silent:
    address = "nowhere"

    def request(self, method: str, params: list[Any]) -> Any:
        raise ChainUnavailable("gone")

    def batch(self, requests: Any) -> list[Any]:
        raise ChainUnavailable("gone")

    def close(self) -> None:
        pass


def test_a_silent_node_is_said_and_not_named():
    door = RpcDoor(Silent())
    for body in (request("eth_chainId"), [request("eth_chainId"), request("eth_chainId")]):
        answer = json.loads(door.answer(json.dumps(body).encode()) or b"")
        for one in answer if isinstance(answer, list) else [answer]:
            assert one["error"] == {"code": -32000, "message": "The chain's server does not answer."}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
METHODS = st.sampled_from(["eth_call", "eth_getLogs", "eth_getBlockByNumber", "eth_sendRawTransaction", "eth_getProof"])
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers(), "method": METHODS, "params": st.lists(JSON_VALUES, max_size=4)}
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=200)
    | (JSON_VALUES | REQUESTS | st.lists(REQUESTS, max_size=3)).map(lambda value: json.dumps(value).encode())
)
def test_any_body_is_answered_in_json_rpc(backend: Backend, body: bytes):
    before = backend.chain.head_number()
    answer = RpcDoor(backend.chain.node).answer(body)
    if answer is not None:
        told = json.loads(answer)
        for one in told if isinstance(told, list) else [told]:
            assert one["jsonrpc"] == "2.0"
            assert ("result" in one) != ("error" in one)
    assert backend.chain.head_number() == before


def test_a_deeply_nested_body_is_refused_in_order(site: SiteClient):
    answer = site.post("/rpc", content=b"[" * 500_000, headers={"content-type": "application/json"})
    assert answer.json()["error"]["code"] == -32700


# ── objects out ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_comes_raw_and_for_ever(site: SiteClient, backend: Backend):
    cid = backend.store.put(b"sealed")
    for answer in (
        site.get(f"/ipfs/{cid}?format=raw"),
        site.get(f"/ipfs/{cid}", headers={"Accept": f"{RAW}, */*;q=0.1"}),
    ):
        assert answer.content == b"sealed"
        assert answer.headers["content-type"] == RAW
        assert answer.headers["etag"] == f'"{cid}.raw"'
        assert answer.headers["x-ipfs-path"] == f"/ipfs/{cid}"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-disposition"] == f'attachment; filename="{cid}.bin"'
        assert "sandbox" in answer.headers["content-security-policy"]
    known = site.get(f"/ipfs/{cid}?format=raw", headers={"If-None-Match": f'"{cid}.raw"'})
    assert (known.status_code, known.content) == (304, b"")
    head = site.head(f"/ipfs/{cid}?format=raw")
    assert (head.headers["content-length"], head.content) == ("6", b"")


def test_a_large_object_comes_block_by_block(site: SiteClient, backend: Backend):
    content = bytes(range(256)) * 10_000
    cid = backend.store.put(content)
    root = site.get(f"/ipfs/{cid}?format=raw").content
    assert Cid.dag_pb(cid.digest) == cid
    assert root == backend.store.block(cid)
    assert len(root) < 1000


def test_what_is_asked_for_otherwise_is_refused(site: SiteClient, backend: Backend):
    cid = backend.store.put(b"sealed")
    assert site.get(f"/ipfs/{cid}").status_code == 406
    assert site.get(f"/ipfs/{cid}?format=car").status_code == 406
    assert site.get("/ipfs/nonsense?format=raw").status_code == 400
    missing = site.get(f"/ipfs/{NO_OBJECT}?format=raw")
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "no-store"
    assert missing.headers["content-type"] == "application/problem+json"
    assert str(backend.store.name) not in missing.text


def test_a_block_that_is_damaged_in_the_store_is_not_passed_on(site: SiteClient, backend: Backend):
    assert isinstance(backend.store, FolderStore)
    cid = backend.store.put(b"soon to be damaged")
    (file,) = [
        path
        for path in Path(backend.store.name).rglob("*")
        if path.is_file() and path.read_bytes() == b"soon to be damaged"
    ]
    file.chmod(0o600)
    file.write_bytes(b"something else")
    answer = site.get(f"/ipfs/{cid}?format=raw")
    assert answer.status_code == 502
    assert "something else" not in answer.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=80))
def test_any_text_is_a_cid_or_refused(site: SiteClient, text: str):
    assert site.get(f"/ipfs/{text.encode('utf-8', 'replace').hex()}?format=raw").status_code in (400, 404)


# ── objects in ───────────────────────────────────────────────────────────────────────────────────────────────────────

BYTES = {"content-type": "application/octet-stream"}


def test_an_object_is_stored_and_pinned(site: SiteClient, backend: Backend):
    answer = site.post("/objects", content=b"a new sealed object", headers=BYTES)
    assert answer.status_code == 201
    cid = Cid.parse(answer.json()["cid"])
    assert backend.store.get(cid) == b"a new sealed object"
    assert backend.store.is_pinned(cid)


def test_what_is_stored_has_a_type_and_a_size(backend: Backend, page: Page, config: PageConfig):
    site = SiteClient(create_site(backend, page, config, limits=Limits(object_bytes=1000)))
    assert site.post("/objects", content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert site.post("/objects", content=b"", headers=BYTES).status_code == 400
    assert site.post("/objects", content=b"x" * 1000, headers=BYTES).status_code == 201
    assert site.post("/objects", content=b"x" * 1001, headers=BYTES).status_code == 413
    assert site.post("/objects", content=iter([b"x"] * 1001), headers=BYTES).status_code == 413


def test_whoever_stores_too_much_is_told_when_to_come_back(backend: Backend, page: Page, config: PageConfig):
    site = SiteClient(create_site(backend, page, config, limits=Limits(1000, 10_000, 1500)))
    assert site.post("/objects", content=b"a" * 1000, headers=BYTES).status_code == 201
    refused = site.post("/objects", content=b"b" * 1000, headers=BYTES)
    assert refused.status_code == 429
    assert 1100 < int(refused.headers["retry-after"]) <= 1200
    assert site.post("/objects", content=b"c" * 500, headers=BYTES).status_code == 201


def test_a_store_that_does_not_take_it_is_said_and_not_named(
    backend: Backend, page: Page, config: PageConfig, monkeypatch: pytest.MonkeyPatch
):
    def refuse(content: bytes) -> Cid:
        raise StoreUnavailable("The disk /somewhere is full.")

    monkeypatch.setattr(backend.store, "put", refuse)
    answer = SiteClient(create_site(backend, page, config)).post("/objects", content=b"x", headers=BYTES)
    assert answer.status_code == 503
    assert "somewhere" not in answer.text


# ── the relayer ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mounted_relayer_begins_and_ends_with_the_site(backend: Backend, page: Page, config: PageConfig):
    heard: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        heard.append("begins")
        yield
        heard.append("ends")

    relay = FastAPI(lifespan=lifespan)
    relay.get("/v1")(lambda: {"chainId": 1337})
    site = create_site(backend, page, config, relay=relay)

    async def live() -> None:
        async with site.router.lifespan_context(site):
            assert heard == ["begins"]

    run(live())
    assert heard == ["begins", "ends"]
    answer = SiteClient(site).get("/relay/v1")
    assert answer.json() == {"chainId": 1337}
    assert answer.headers["x-content-type-options"] == "nosniff"


# ── allowances ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_allowance_refills_evenly_and_holds_no_more_than_its_measure():
    clock = Clock()
    allowance = Allowance(100, 10, 100.0, clock=clock)
    assert allowance.take("one", 10) == 0
    assert allowance.take("one", 5) == pytest.approx(50)
    clock.now += 50
    assert allowance.take("one", 5) == 0
    clock.now += 1e6
    assert allowance.take("one", 11) == float("inf")
    assert allowance.take("one", 10) == 0
    assert allowance.take("one", 1) > 0


def test_many_callers_share_what_is_for_all():
    allowance = Allowance(100, 10, 100.0, clock=Clock())
    assert [allowance.take(str(number), 10) for number in range(10)] == [0] * 10
    assert allowance.take("another", 10) > 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 12), st.floats(0, 30)), max_size=40))
def test_nobody_ever_takes_more_than_the_allowance(steps: list[tuple[str, int, float]]):
    clock = Clock()
    allowance = Allowance(15, 10, 100.0, clock=clock)
    taken = {"a": 0, "b": 0}
    for caller, units, pause in steps:
        clock.now += pause
        if allowance.take(caller, units) == 0:
            taken[caller] += units
        assert sum(taken.values()) <= 15 + clock.now * 0.15 + 1e-6
        assert taken[caller] <= 10 + clock.now * 0.10 + 1e-6


def test_callers_are_remembered_under_a_hash_and_not_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("medrec_py.web.allowance._CALLERS", 3)
    allowance = Allowance(10**9, 10)
    for number in range(10):
        allowance.take(f"192.0.2.{number}", 1)
    assert len(allowance._callers) == 3
    assert all(len(name) == 32 and b"192.0.2" not in name for name in allowance._callers)
