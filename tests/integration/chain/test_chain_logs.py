"""The log in bulk: complete, in order, and equal to web3's own, whatever a server allows at once."""

from __future__ import annotations

from typing import Any

import pytest
from chain_world import World, digest, locator
from web3 import Web3

from medrec_py.chain.abi import artifact
from medrec_py.chain.node import RpcFailure
from medrec_py.errors import ChainUnavailable, InvalidInput, RpcRefused


class Limited:
    """A node behind limits as hosted ones have: so many blocks, so many results, or so much time for an answer."""

    def __init__(self, node: Any, *, blocks: int = 10**9, results: int = 10**9, times_out: bool = False) -> None:
        self.node = node
        self.blocks = blocks
        self.results = results
        self.times_out = times_out
        self.asked: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)

    def request(self, method: str, params: list[Any]) -> Any:
        if method != "eth_getLogs":
            return self.node.request(method, params)
        span = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        self.asked.append(span)
        if span > self.blocks:
            raise RpcFailure(-32600, f"eth_getLogs is limited to a {self.blocks} range")
        found = self.node.request(method, params)
        if len(found) > self.results:
            if self.times_out:
                raise ChainUnavailable("No answer in time.", reason="ReadTimeout")
            raise RpcFailure(-32005, f"query returned more than {self.results} results")
        return found


def filled(world: World, count: int = 40) -> World:
    subject = world.payer.address
    calls = [world.medrec.anchor(subject, [digest()], [locator()]) for _ in range(count)]
    world.chain.send_many(world.payer, calls)
    return world


def test_the_log_is_whole_and_in_order(any_world: World) -> None:
    world = filled(any_world)
    world.ensure_open()
    logged = world.chain.logs(0, world.chain.head_number())
    assert [one.position for one in logged] == sorted(one.position for one in logged)
    names = [type(one.event).__name__ for one in logged]
    assert names == ["VocabularyPublished", *["Anchored"] * 40, "Registered", "Accredited", "RelationshipOpened"]
    for one in logged:
        assert world.chain.block_hash(one.block_number) == one.block_hash
    halves = world.chain.logs(0, 20) + world.chain.logs(21, world.chain.head_number())
    assert halves == logged
    assert world.chain.logs(5, 4) == []
    assert world.chain.logs(0, world.chain.head_number() + 1000) == logged
    assert world.chain.block_hash(world.chain.head_number() + 1) is None
    with pytest.raises(InvalidInput):
        world.chain.logs(-1, 4)


@pytest.mark.parametrize(
    "limits", [{"blocks": 7}, {"blocks": 1}, {"results": 5}, {"results": 1}, {"results": 3, "times_out": True}]
)
def test_limits_of_a_server_change_nothing_but_the_number_of_requests(any_world: World, limits: dict[str, Any]) -> None:
    world = any_world
    for _ in range(30):  # one by one, so that no block holds more than one event
        filled(world, 1)
    head = world.chain.head_number()
    expected = world.chain.logs(0, head)
    limited = Limited(world.chain.node, **limits)
    world.chain.node = limited  # type: ignore[assignment]
    assert world.chain.logs(0, head) == expected
    first = len(limited.asked)
    assert world.chain.logs(0, head) == expected
    # What was learnt is kept, so the second time begins with it.
    assert len(limited.asked) - first <= first * 5 // 4


def test_a_refusal_that_no_smaller_range_helps_is_told(any_world: World) -> None:
    world = any_world
    limited = Limited(world.chain.node, blocks=0)
    world.chain.node = limited  # type: ignore[assignment]
    with pytest.raises(RpcRefused, match="limited to a 0 range"):
        world.chain.logs(0, world.chain.head_number())
    assert len(limited.asked) < 10


@pytest.mark.servers
def test_events_equal_those_that_web3_decodes(anvil_world: World) -> None:
    world = filled(anvil_world)
    world.ensure_open()
    grant, id = world.granted()
    assert grant.bundle
    world.send(world.medrec.multicall([world.medrec.revoke(id), world.medrec.revoke_agent(id)]))
    ours = world.chain.logs(0, world.chain.head_number())
    web3 = Web3(Web3.HTTPProvider(world.chain.address))
    theirs = []
    for name, address in (("MedRec", world.medrec.address), ("Registrar", world.registrar.address)):
        contract = web3.eth.contract(address=address, abi=artifact(name).abi)  # type: ignore[call-overload]
        for event in contract.events:
            theirs.extend(event().get_logs(from_block=0))
    found = sorted(
        (log for log in theirs if log["event"] != "AuthorityUpdated"),
        key=lambda log: (log["blockNumber"], log["logIndex"]),
    )
    assert len(found) == len(ours)
    for log, one in zip(found, ours, strict=True):
        assert log["event"] == type(one.event).__name__
        assert (bytes(log["blockHash"]), bytes(log["transactionHash"])) == (one.block_hash, one.transaction_hash)
        assert (log["blockNumber"], log["logIndex"], log["address"]) == (*one.position, one.contract)
        values = [
            b"".join(value) if name == "locators" else list(value) if isinstance(value, tuple) else value
            for name, value in ((name, getattr(one.event, name)) for name in one.event.__slots__)
        ]
        assert sorted(map(repr, values)) == sorted(map(repr, log["args"].values()))


def test_times_of_blocks_are_read_in_bulk(any_world: World) -> None:
    world = any_world
    receipt = world.send(world.medrec.revoke(digest()))
    now = world.chain.now()
    times = world.chain.block_times([receipt.block_hash, digest(), world.chain.block_hash(0) or b""])
    assert times[1] is None
    assert times[0] is not None
    assert times[2] is not None
    assert times[2] <= times[0] <= now
