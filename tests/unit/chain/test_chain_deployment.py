"""Deploying once, again, half-way, for somebody else, and on top of something else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from chain_world import World, digest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import (
    Account,
    Call,
    Deployment,
    EmbeddedChain,
    RegistrarContract,
    deploy,
    generate_account,
    predicted_addresses,
)
from medrec_py.chain.abi import CONTRACTS, artifact
from medrec_py.chain.deploy import FACTORY, FACTORY_CODE, ROLE_ACCREDITOR, ROLE_GUARDIAN
from medrec_py.chain.deployment import is_shipped_code
from medrec_py.errors import (
    AccessManagedUnauthorized,
    ChainUnavailable,
    DeploymentInvalid,
    DeploymentMissing,
    WrongBytecode,
    WrongChain,
)
from medrec_py.types.vocabulary import VOCABULARY


def test_a_second_run_sends_nothing_and_finds_the_same(fresh_world: World) -> None:
    height = fresh_world.chain.head_number()
    again = deploy(fresh_world.chain, fresh_world.payer)
    assert (again.deployment, dict(again.receipts), again.pending) == (fresh_world.deployment, {}, ())
    assert fresh_world.chain.head_number() == height


def test_the_same_administrator_gets_the_same_addresses_on_every_chain() -> None:
    admin = generate_account().address
    with EmbeddedChain(chain_id=5) as first, EmbeddedChain(chain_id=6) as second:
        found = [deploy(chain, chain.developer, admin=admin).deployment.addresses for chain in (first, second)]
        assert found[0] == found[1] == predicted_addresses(admin)
        assert found[0] != predicted_addresses(first.developer.address)


def test_the_factory_is_the_one_that_every_chain_has(world: World) -> None:
    assert world.chain.code(FACTORY) == FACTORY_CODE


def test_the_deployment_begins_before_its_first_event(world: World) -> None:
    events = world.chain.logs(0, world.chain.head_number())
    assert world.deployment.block_number <= events[0].block_number
    assert world.chain.logs(world.deployment.block_number, world.chain.head_number()) == events


def test_the_vocabulary_is_published_and_roles_are_given(world: World) -> None:
    assert world.registrar.is_vocabulary(VOCABULARY.hash)
    call = world.registrar.withdraw_accreditation(world.provider.address)
    assert world.registrar.required_delay(world.payer.address, call) == 0


class Interrupted:
    """A node that stops answering after so many transactions, as a server that is killed does."""

    def __init__(self, node: Any, transactions: int) -> None:
        self.node = node
        self.left = transactions

    def __getattr__(self, name: str) -> Any:
        return getattr(self.node, name)

    def request(self, method: str, params: list[Any]) -> Any:
        if method == "eth_sendRawTransaction":
            if self.left == 0:
                raise ChainUnavailable("The chain went away.")
            self.left -= 1
        return self.node.request(method, params)

    def batch(self, requests: list[Any]) -> list[Any]:
        results = []
        for request in requests:
            results.extend(
                self.node.batch([request]) if request[0] != "eth_sendRawTransaction" else [self.request(*request)]
            )
        return results


@pytest.mark.parametrize("transactions", range(10))
def test_a_deployment_cut_off_after_any_transaction_is_completed_by_the_next_run(transactions: int) -> None:
    with EmbeddedChain() as chain:
        node = chain.node
        chain.node = Interrupted(node, transactions)  # type: ignore[assignment]
        with pytest.raises(ChainUnavailable):
            deploy(chain, chain.developer)
        chain.node = node
        report = deploy(chain, chain.developer)
        assert report.deployment.addresses == predicted_addresses(chain.developer.address)
        assert RegistrarContract(report.deployment, chain).is_vocabulary(VOCABULARY.hash)
        assert chain.head_number() == 10
        assert not deploy(chain, chain.developer).receipts


def test_a_multisig_gets_what_only_it_can_send() -> None:
    with EmbeddedChain() as chain:
        multisig = generate_account()
        report = deploy(chain, chain.developer, admin=multisig.address)
        registrar = RegistrarContract(report.deployment, chain)
        assert [call.to for call in report.pending] == [report.deployment.authority]
        assert not registrar.is_vocabulary(VOCABULARY.hash)
        assert deploy(chain, chain.developer, admin=multisig.address).pending == report.pending

        chain.fund(multisig.address, 10**18)
        chain.send(multisig, report.pending[0])
        assert registrar.is_vocabulary(VOCABULARY.hash)
        assert deploy(chain, chain.developer, admin=multisig.address).pending == ()
        with pytest.raises(AccessManagedUnauthorized):
            chain.send(chain.developer, registrar.publish_vocabulary(digest()))


def delays(chain: EmbeddedChain, deployment: Deployment, account: Account) -> dict[str, int | None]:
    registrar = RegistrarContract(deployment, chain)
    calls = {
        "accredit": registrar.accredit(account.address, 1, 2**40, digest()),
        "withdraw": registrar.withdraw_accreditation(account.address),
    }
    return {name: registrar.required_delay(account.address, call) for name, call in calls.items()}


def test_accrediting_takes_the_delay_and_withdrawing_takes_none() -> None:
    with EmbeddedChain() as chain:
        accreditor, guardian = generate_account(), generate_account()
        report = deploy(
            chain,
            chain.developer,
            accreditors=(accreditor.address,),
            guardians=(guardian.address,),
            accreditation_delay=86_400,
        )
        assert delays(chain, report.deployment, accreditor) == {"accredit": 86_400, "withdraw": None}
        assert delays(chain, report.deployment, guardian) == {"accredit": None, "withdraw": 0}

        # A guardian cancels what an accreditor announced.
        registrar = RegistrarContract(report.deployment, chain)
        chain.fund(accreditor.address, 10**18)
        chain.fund(guardian.address, 10**18)
        call = registrar.accredit(guardian.address, 1, chain.now() + 10**6, digest())
        chain.send(accreditor, registrar.schedule(call))
        chain.send(guardian, registrar.cancel(accreditor.address, call))
        assert registrar.executable_at(accreditor.address, call) == 0


def test_a_role_that_was_taken_away_does_not_come_back_by_itself(fresh_world: World) -> None:
    world = fresh_world
    revoke = artifact("Authority").functions["revokeRole"].encode(ROLE_ACCREDITOR, world.payer.address)
    world.send(Call(world.deployment.authority, revoke, "revokeRole"))
    report = deploy(world.chain, world.payer)
    assert not report.receipts
    assert delays(world.chain, report.deployment, world.payer)["accredit"] is None  # type: ignore[arg-type]
    report = deploy(world.chain, world.payer, accreditors=(world.payer.address,))
    assert list(report.receipts) == ["set up"]
    assert delays(world.chain, report.deployment, world.payer)["accredit"] == 0  # type: ignore[arg-type]


def test_naming_somebody_who_has_the_role_already_sends_nothing(fresh_world: World) -> None:
    payer = fresh_world.payer.address
    report = deploy(fresh_world.chain, fresh_world.payer, accreditors=(payer,), guardians=(payer,))
    assert not report.receipts


def test_a_later_vocabulary_follows_the_delay_of_its_publisher(fresh_world: World) -> None:
    world = fresh_world
    functions = artifact("Authority").functions
    appointed = functions["grantRole"].encode(ROLE_ACCREDITOR, world.payer.address, 3600)
    world.send(Call(world.deployment.authority, appointed, "grantRole"))
    table = digest()
    assert deploy(world.chain, world.payer, vocabulary=table).receipts["set up"]
    assert not world.registrar.is_vocabulary(table)
    assert not deploy(world.chain, world.payer, vocabulary=table).receipts
    world.chain.travel(3600)
    assert deploy(world.chain, world.payer, vocabulary=table).receipts["set up"]
    assert world.registrar.is_vocabulary(table)


def test_guardians_are_guardians_of_the_accreditors(world: World) -> None:
    function = artifact("Authority").functions["getRoleGuardian"]
    answer = world.chain.call(Call(world.deployment.authority, function.encode(ROLE_ACCREDITOR), ""))
    assert function.decode(answer) == (ROLE_GUARDIAN,)


# ── files and verification ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_deployment_is_loaded_verified_and_used(world: World, tmp_path: Path) -> None:
    path = world.deployment.save(tmp_path / "deployments")
    assert path.name == "1337.json"
    for source in (path, path.parent):
        assert Deployment.load(source, world.chain) == world.deployment
    assert [file.name for file in path.parent.iterdir()] == ["1337.json"]


def test_a_deployment_of_another_chain_is_refused(world: World, tmp_path: Path) -> None:
    path = world.deployment.save(tmp_path)
    with EmbeddedChain(chain_id=2) as chain:
        with pytest.raises(WrongChain):
            Deployment.load(path, chain)
        with pytest.raises(DeploymentMissing, match=r"2\.json"):
            Deployment.load(tmp_path, chain)


@pytest.mark.parametrize("name", CONTRACTS)
def test_other_code_at_an_address_is_named(world: World, name: str) -> None:
    field = {"WhileAccredited": "while_accredited", "WhileRelated": "while_related"}.get(name, name.lower())
    empty = dataclasses.replace(world.deployment, **{field: generate_account().address})
    with pytest.raises(WrongBytecode, match=name):
        empty.verify(world.chain)
    other = FACTORY if name == "MedRec" else world.deployment.medrec
    with pytest.raises(WrongBytecode, match=name):
        dataclasses.replace(world.deployment, **{field: other}).verify(world.chain)


def test_a_contract_with_other_constants_is_named(world: World) -> None:
    hashes = {**world.deployment.code_hashes, "Registrar": digest()}
    with pytest.raises(WrongBytecode, match="Registrar"):
        dataclasses.replace(world.deployment, code_hashes=hashes).verify(world.chain)


def test_contracts_of_two_deployments_are_not_taken_for_one(fresh_world: World) -> None:
    world = fresh_world
    second = deploy(world.chain, world.payer, admin=generate_account().address).deployment
    mixed = dataclasses.replace(
        world.deployment,
        registrar=second.registrar,
        code_hashes={**world.deployment.code_hashes, "Registrar": second.code_hashes["Registrar"]},
    )
    with pytest.raises(WrongBytecode, match="belongs to another Registrar"):
        mixed.verify(world.chain)


def test_immutables_aside_each_byte_of_the_code_counts(world: World) -> None:
    code = world.chain.code(world.deployment.while_related)
    shipped = artifact("WhileRelated")
    free = {at for start, length in shipped.immutables for at in range(start, start + length)}
    assert is_shipped_code("WhileRelated", code)
    for at in range(len(code)):
        changed = bytearray(code)
        changed[at] ^= 1
        assert is_shipped_code("WhileRelated", bytes(changed)) == (at in free)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["format", "chainId", "admin", "blockNumber", "addresses", "codeHashes"]), x
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_value_breaks_the_reader_of_deployments(document: Any) -> None:
    with pytest.raises(DeploymentInvalid):
        Deployment.from_json(document)


def test_a_deployment_of_an_older_version_is_told_from_a_damaged_one(world: World, tmp_path: Path) -> None:
    path = world.deployment.save(tmp_path)
    document = json.loads(path.read_text())
    addresses = {name: at for name, at in document["addresses"].items() if name not in ("Guardianship", "Emergency")}
    path.write_text(json.dumps({**document, "format": 1, "addresses": addresses}))
    with pytest.raises(DeploymentInvalid, match="older version") as refusal:
        Deployment.load(path, world.chain)
    assert "Deploy this version" in str(refusal.value.hint)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 3),
        ("chainId", "1"),
        ("chainId", True),
        ("chainId", -1),
        ("blockNumber", None),
        ("admin", "me"),
        ("addresses", {}),
        ("codeHashes", []),
    ],
)
def test_a_damaged_deployment_file_is_refused(world: World, tmp_path: Path, field: str, value: object) -> None:
    path = world.deployment.save(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(DeploymentInvalid, match=r"1337\.json"):
        Deployment.load(path, world.chain)
    path.write_text("{")
    with pytest.raises(DeploymentInvalid):
        Deployment.load(path, world.chain)
