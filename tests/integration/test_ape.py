"""`ape run deploy` and `ape run accredit` as a user runs them: on ape's own Anvil, and on a network that is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount

from medrec_py.chain import Deployment, RegistrarContract, as_account, predicted_addresses
from medrec_py.devnet.anvil import AnvilNode

pytest.importorskip("ape")

ROOT = Path(__file__).parents[2]
APE = Path(sys.executable).with_name("ape")
# ape's test accounts derive from this published phrase; it owns nothing anywhere.
TEST_PHRASE = "test test test test test test test test test test test junk"

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.xdist_group("compiler"),
    pytest.mark.skipif(not APE.exists(), reason="the ape extra is not installed"),
]


def ape(*arguments: str, expect: int = 0) -> Any:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(ROOT / ".tools" / "bin"), os.environ["PATH"]]),
        "SOLCX_BINARY_PATH": str(ROOT / ".tools" / "solcx"),
    }
    result = subprocess.run(
        [str(APE), *arguments, "--verbosity", "ERROR"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == expect, result.stdout + result.stderr
    return json.loads(result.stdout) if "--json" in arguments and expect != 2 else result.stdout + result.stderr


@pytest.fixture(scope="module")
def ape_account() -> Any:
    EthAccount.enable_unaudited_hdwallet_features()
    return as_account(EthAccount.from_mnemonic(TEST_PHRASE))


def test_deploying_on_ape_s_own_anvil_prints_a_table(tmp_path: Path, ape_account: Any) -> None:
    text = ape("run", "deploy", "--network", "ethereum:local:foundry", "--folder", str(tmp_path))
    for address in predicted_addresses(ape_account.address).values():
        assert address in text
    assert "deploy MedRec" in text
    assert (tmp_path / "31337.json").exists()


def test_a_network_that_is_there_is_deployed_to_once_and_accredits(tmp_path: Path, ape_account: Any) -> None:
    folder = str(tmp_path / "deployments")
    with AnvilNode() as node, node.connect() as chain:
        chain.node.request("anvil_setBalance", [ape_account.address, hex(10**20)])
        network = ("--network", node.url, "--account", "TEST::0", "--folder", folder, "--json")
        first = ape("run", "deploy", *network)
        assert [step["name"] for step in first["steps"]][-1] == "set up"
        again = ape("run", "deploy", *network)
        assert again["steps"] == []
        assert again["deployment"] == first["deployment"]

        deployment = Deployment.load(folder, chain)
        registrar = RegistrarContract(deployment, chain)
        provider = node.accounts[1]
        refused = ape("run", "accredit", provider.address, "--until", "2100-01-01", *network, expect=1)
        assert refused["error"] == "NotRegistered"
        chain.send(provider, registrar.register(os.urandom(1216), os.urandom(32)))
        done = ape("run", "accredit", provider.address, "--until", "2100-01-01", "--role", "gateway", *network)
        assert done["step"] == "accredit"
        assert registrar.accreditation_of(provider.address).roles == 2
        assert registrar.accreditation_of(provider.address).expires_at == 4_102_444_800
        assert ape("run", "accredit", provider.address, "--withdraw", *network)["step"] == "withdrawAccreditation"
        assert registrar.accreditation_of(provider.address).roles == 0
        ape("run", "accredit", provider.address, *network, expect=2)


def test_an_accreditation_with_a_delay_is_announced_by_one_run_and_done_by_the_next(
    tmp_path: Path, ape_account: Any
) -> None:
    with AnvilNode() as node, node.connect() as chain:
        chain.node.request("anvil_setBalance", [ape_account.address, hex(10**20)])
        network = ("--network", node.url, "--account", "TEST::0", "--folder", str(tmp_path), "--json")
        ape("run", "deploy", "--delay", "3600", *network)
        registrar = RegistrarContract(Deployment.load(tmp_path, chain), chain)
        provider = node.accounts[1]
        chain.send(provider, registrar.register(os.urandom(1216), os.urandom(32)))
        announced = ape("run", "accredit", provider.address, "--until", "2100-01-01", *network)
        assert announced["step"] == "schedule"
        assert announced["executableAt"] >= chain.now() + 3590
        chain.travel(3600)
        done = ape("run", "accredit", provider.address, "--until", "2100-01-01", *network)
        assert done["step"] == "execute"
        assert registrar.is_accredited(provider.address, 1)
