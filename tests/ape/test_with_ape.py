"""The contracts through ape: the same code, the same rules, the same events as through the SDK."""

from __future__ import annotations

import os
from typing import Any

import ape
import pytest

from medrec_py.chain import Chain, Deployment, MedRecContract, as_account, deploy, grant_id, terms_hash
from medrec_py.chain.abi import CONTRACTS, artifact
from medrec_py.errors import GrantAlreadyExists
from medrec_py.types.events import Granted, GrantRevoked
from medrec_py.types.terms import typed_data
from medrec_py.types.vocabulary import VOCABULARY


@pytest.mark.parametrize("name", CONTRACTS)
def test_ape_compiles_the_code_that_is_shipped(contracts: Any, name: str) -> None:
    # ape can't leave out the metadata that solc puts behind the code: 0xa264"ipfs"… and its length in two bytes.
    compiled = bytes(contracts[name].contract_type.get_runtime_bytecode())
    shipped = artifact(name).runtime_code
    assert compiled[: len(shipped)] == shipped
    assert compiled[len(shipped) :][:2] == b"\xfe\xa2"


def test_a_second_deployment_by_ape_s_account_sends_nothing(
    sdk_chain: Chain, accounts: Any, deployment: Deployment
) -> None:
    report = deploy(sdk_chain, as_account(accounts[0]))
    assert (dict(report.receipts), report.deployment) == ({}, deployment)


def test_the_vocabulary_stands(registrar: Any) -> None:
    assert registrar.isVocabulary(VOCABULARY.hash)


def test_a_grant_sent_by_ape_is_an_event_of_the_sdk(
    sdk_chain: Chain, medrec: Any, accounts: Any, deployment: Deployment
) -> None:
    patient, viewer = accounts[1], accounts[2]
    bundle, terms = os.urandom(32), os.urandom(32)
    receipt = medrec.grant(patient.address, viewer.address, bundle, terms, sender=patient)
    id = grant_id(patient.address, patient.address, viewer.address, bundle, terms)
    logged = sdk_chain.logs(receipt.block_number, receipt.block_number)
    assert [one.event for one in logged] == [
        Granted(patient.address, patient.address, viewer.address, id, bundle, terms)
    ]
    medrec_sdk = MedRecContract(deployment, sdk_chain)
    with pytest.raises(GrantAlreadyExists):
        sdk_chain.send(as_account(patient), medrec_sdk.grant(patient.address, viewer.address, bundle, terms))


def test_ape_knows_the_contracts_refusals_by_name(medrec: Any, accounts: Any) -> None:
    with ape.reverts(medrec.GrantNotActive):
        medrec.suspend(os.urandom(32), sender=accounts[1])


def test_what_ape_s_account_signs_is_relayed_by_another(
    sdk_chain: Chain, accounts: Any, deployment: Deployment
) -> None:
    patient, relayer = as_account(accounts[1]), as_account(accounts[3])
    medrec = MedRecContract(deployment, sdk_chain)
    id = os.urandom(32)
    data = typed_data(medrec.domain, "Revocation", {"actor": patient.address, "id": id})
    receipt = sdk_chain.send(relayer, medrec.revoke_with_sig(patient.address, id, patient.sign_typed_data(data)))
    assert [one.event for one in receipt.events] == [GrantRevoked(patient.address, id)]


def test_terms_have_the_same_hash_in_ape_and_sdk(medrec: Any, accounts: Any) -> None:
    from medrec_py.chain.structs import terms_tuple
    from medrec_py.types.terms import NO_EXPIRY, NO_LAST_DATE, ZERO_ADDRESS, Operation, Terms

    terms = Terms(
        agent=accounts[4].address,
        classes=5,
        purposes=3,
        operations=Operation.READ,
        starts_at=1,
        expires_at=NO_EXPIRY,
        records_from=0,
        records_until=NO_LAST_DATE,
        delegations=1,
        parent=bytes(32),
        condition=ZERO_ADDRESS,
        vocabulary=VOCABULARY.hash,
        statement="I allow …",
        salt=os.urandom(32),
    )
    assert bytes(medrec.hashTerms(terms_tuple(terms))) == terms_hash(terms)
