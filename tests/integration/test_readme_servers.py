"""The README's five lines, on a real Anvil and a real Kubo."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from medrec_py import MedRec
from medrec_py.chain import deploy
from medrec_py.devnet.anvil import AnvilNode
from medrec_py.devnet.kubo import KuboNode
from medrec_py.devnet.ports import free_port

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()

pytestmark = pytest.mark.servers


def test_the_five_lines_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    inviting, publishing = re.split(r"(?m)^(?=hospital\.publish)", example)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    resource = {"resourceType": "Observation", "id": "a", "status": "final", "code": {"text": "anything"}}
    Path("bundle.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]})
    )
    with AnvilNode() as anvil, KuboNode(tmp_path / "ipfs", api_port=free_port()) as kubo:
        operator, account, relayer = anvil.accounts[:3]
        with anvil.connect() as chain:
            deploy(chain, operator).deployment.save("deployments")
        inviting = inviting.replace("http://127.0.0.1:8545", anvil.url)
        inviting = inviting.replace("/ip4/127.0.0.1/tcp/5001", kubo.api_address)
        with MedRec.connect(
            anvil.url, store=kubo.api_address, deployment="deployments", home="patient", relayer=relayer
        ) as elsewhere:
            elsewhere.provider(account).register(name="Hospital")
            elsewhere.registrar(operator).accredit(account.address)
            patient = elsewhere.patient(anvil.accounts[3])
            names: dict[str, Any] = {"account": account, "subject": patient.next_subject()}
            exec(inviting, names)
            with names["network"]:
                patient.accept(names["invitation"])
                exec(publishing, names)
                assert [item.record.reference for item in patient.records()] == ["Observation/a"]
