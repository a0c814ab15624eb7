"""Accounts that are more than a key: a contract that checks signatures (ERC-1271), and a key with code (EIP-7702)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_abi.abi import encode
from injected_wallet import ContractAccount, InjectedWallet
from patient_page import PatientPage
from web_network import ROOT, WebNetwork, observation

from medrec_py.chain import Account, generate_account

ARTIFACT = ROOT / ".build" / "forge" / "out" / "Wallets.sol" / "Wallet.json"


@pytest.fixture(scope="module")
def wallet_code() -> bytes:
    """Creation code of the contracts' own test wallet, which takes the signatures of one owner."""
    if not ARTIFACT.exists():
        source = "tests/invariant/actors/Wallets.sol"
        subprocess.run(["forge", "build", source], cwd=ROOT, check=True, capture_output=True)
    return bytes.fromhex(json.loads(Path(ARTIFACT).read_text())["bytecode"]["object"][2:])


def deployed(world: WebNetwork, code: bytes, owner: Account) -> str:
    """A contract account of an owner."""
    chain = world.network.chain
    creation = code + encode(["address"], [owner.address])
    query = {"from": world.operator.address, "data": "0x" + creation.hex()}
    # Whoever holds Anvil sends as anybody: the SDK itself creates no contracts but its own.
    chain.ask("anvil_impersonateAccount", world.operator.address)
    hash = chain.ask("eth_sendTransaction", query)
    chain.ask("evm_mine")
    return str(chain.ask("eth_getTransactionReceipt", hash)["contractAddress"])


def test_a_contract_s_account_in_private_mode(tab: Callable[..., PatientPage], world: WebNetwork, wallet_code: bytes):
    owner = generate_account()
    account = ContractAccount(deployed(world, wallet_code, owner), owner)
    world.admitted(account, observation("lab", "2024-03-01", 13.5))
    clinic = world.viewer("Clinic of the contract")
    page = tab(InjectedWallet(world.network.chain, [account])).enter()
    page.share("Clinic of the contract", "Laboratory")
    assert len(clinic.read(purpose="TREAT").records) == 1


def test_a_contract_s_account_in_wallet_mode_signs_and_others_send(
    tab: Callable[..., PatientPage], world: WebNetwork, wallet_code: bytes
):
    owner = generate_account()
    account = ContractAccount(deployed(world, wallet_code, owner), owner)
    subject = world.admitted(account, observation("lab", "2024-03-01", 13.5), wallet_mode=True)
    assert subject.lower() == account.address.lower()
    clinic = world.viewer("Clinic of the contract itself")
    page = tab(InjectedWallet(world.network.chain, [account])).enter("wallet")
    page.share("Clinic of the contract itself", "Laboratory")
    (reading,) = clinic.read(purpose="TREAT").records
    assert reading.record.reference == "Observation/lab"


def test_a_key_with_code_signs_with_the_key(tab: Callable[..., PatientPage], world: WebNetwork, wallet_code: bytes):
    account = world.account(1)
    stranger = generate_account()
    implementation = deployed(world, wallet_code, stranger)
    world.network.chain.ask("anvil_setCode", account.address, "0xef0100" + implementation[2:].lower())
    world.admitted(account, observation("lab", "2024-03-01", 13.5), wallet_mode=True)
    clinic = world.viewer("Clinic of the delegated key")
    page = tab(InjectedWallet(world.network.chain, [account])).enter("wallet")
    page.share("Clinic of the delegated key", "Laboratory")
    assert len(clinic.read(purpose="TREAT").records) == 1


def test_a_wallet_that_signs_with_another_key_than_its_account_is_found_out(
    tab: Callable[..., PatientPage], world: WebNetwork
):
    account = world.account(1)
    wallet = InjectedWallet(world.network.chain, [ContractAccount(account.address, generate_account())])
    page = tab(wallet).open().connect()
    page.button("welcome.unlock").click()
    page.shows(page.say("errors.InvalidSignature", signer=account.address))
