"""`medrec relay` as its operator runs it, and a patient with an empty account who names it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from medrec_py import MedRec, Provider
from medrec_py.chain import Call, generate_account
from medrec_py.errors import RelayBudgetSpent, RelayUnavailable

pytestmark = pytest.mark.servers


class Command:
    """The program, in a folder of its own."""

    def __init__(self, world, anvil, folder: Path) -> None:
        self._started: list[subprocess.Popen[str]] = []
        self.folder = folder
        self.rpc = anvil.url
        world.deployment.save(folder / "deployments")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDREC_")}
        self._environment = {**environment, "MEDREC_HOME": str(folder / "home")}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "import sys; from medrec_py.cli import main; sys.exit(main())", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment
        )
        self._started.append(process)
        return process

    def stop(self) -> None:
        """Ends whatever a test that failed left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *arguments: str) -> tuple[int, object]:
        process = self.start(*arguments, "--json")
        said, complaint = process.communicate(timeout=60)
        assert said, complaint
        return process.returncode, json.loads(said)

    def relay(self, *arguments: str) -> subprocess.Popen[str]:
        where = ("--rpc", self.rpc, "--deployment", str(self.folder / "deployments"), "--account", "payer")
        return self.start("relay", *where, "--port", "0", *arguments, "--json")


@pytest.fixture
def command(world, anvil, tmp_path) -> Iterator[Command]:
    made = Command(world, anvil, tmp_path)
    code, account = made.run("account", "new", "payer")
    assert code == 0
    world.chain.send(anvil.accounts[0], Call(account["address"], b"", "fund", 10**18))
    yield made
    made.stop()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("Relaying at http://127.0.0.1:"), line + process.stderr.read()
    return line.split()[2].rstrip(",")


def ended(process: subprocess.Popen[str]) -> dict[str, object]:
    process.send_signal(signal.SIGTERM)
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert "Traceback" not in complaint
    return json.loads(said)


def connect(command: Command, tmp_path: Path, relayer: str) -> MedRec:
    return MedRec.connect(
        command.rpc,
        store=tmp_path / "store",
        deployment=tmp_path / "deployments",
        home=tmp_path / "client",
        relayer=relayer,
    )


def hospital_of(network: MedRec, world) -> Provider:
    """The accredited provider, with a key that can be sealed to."""
    network.chain.send(world.payer, Call(world.provider.address, b"", "fund", 10**18))
    hospital = network.provider(world.provider)
    hospital.register(name="Hospital")
    return hospital


def test_a_patient_without_ether_lives_by_the_relayer_alone(world, command, tmp_path):
    process = command.relay()
    url = url_of(process)
    with connect(command, tmp_path, url) as network:
        wallet = generate_account()
        assert network.chain.balance(wallet.address) == 0
        patient = network.patient(wallet)
        hospital = hospital_of(network, world)
        patient.accept(hospital.invite(patient.next_subject()))
        viewer = network.viewer(world.viewer, relayer=url)
        viewer.register(name="Clinic")
        grant = patient.grant(world.viewer.address, classes=["laboratory"])
        patient.revoke(grant)
        assert [found.state for found in patient.grants()] == ["revoked"]
        assert network.chain.balance(wallet.address) == 0
    document = ended(process)
    assert document["url"] == url
    assert Path(str(document["journal"])).exists()


def test_a_spent_budget_is_told_and_the_wallet_can_still_send_itself(world, command, tmp_path):
    process = command.relay("--gas-per-day", "0")
    url = url_of(process)
    patient = generate_account()
    with connect(command, tmp_path, url) as network:
        own = network.patient(patient, wallet_mode=True, relayer=url)
        with pytest.raises(RelayBudgetSpent):
            own.accept(hospital_of(network, world).invite(patient.address))
        network.chain.send(world.payer, Call(patient.address, b"", "fund", 10**18))
        direct = network.patient(patient, wallet_mode=True)
        direct.accept(hospital_of(network, world).invite(patient.address))
        assert len(direct.relationships()) == 1
    ended(process)


def test_where_nobody_relays_any_more_that_is_said(world, command, tmp_path):
    process = command.relay()
    url = url_of(process)
    ended(process)
    with connect(command, tmp_path, url) as network:
        patient = network.patient(generate_account())
        with pytest.raises(RelayUnavailable, match="does not answer"):
            patient.accept(hospital_of(network, world).invite(patient.next_subject()))


def test_an_account_without_ether_cannot_begin_to_relay(command):
    command.run("account", "new", "poor")
    where = ("--rpc", command.rpc, "--deployment", str(command.folder / "deployments"))
    code, document = command.run("relay", *where, "--account", "poor", "--port", "0")
    assert code == 2
    assert document["error"] == "InvalidInput"
    assert "no ether" in document["message"]


def test_one_journal_serves_one_relayer(command, tmp_path):
    process = command.relay("--journal", str(tmp_path / "journal.sqlite"))
    url_of(process)
    second = command.relay("--journal", str(tmp_path / "journal.sqlite"))
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert json.loads(said)["error"] == "RelayJournalUnavailable"
    ended(process)
