"""Binds the descriptors of typed messages (ERC-7730) to contracts that stand, so that wallets can use them.

python scripts/bind_clear_signing.py deployments/1.json deployments/10.json --out clear-signing

Descriptors are written before anybody deploys, and say nothing without an address: see `web/clear-signing/`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medrec_py.chain import Deployment
from medrec_py.errors import DeploymentInvalid, MedRecError

DESCRIPTORS = Path(__file__).resolve().parent.parent / "web" / "clear-signing"


def bound(descriptor: dict[str, Any], deployments: Sequence[Deployment]) -> dict[str, Any]:
    """A descriptor with the addresses of its contract, which is the one that has its EIP-712 domain."""
    name = descriptor["context"]["eip712"]["domain"]["name"]
    places = [
        {"chainId": domain.chain_id, "address": domain.contract}
        for deployment in deployments
        for domain in (
            deployment.medrec_domain,
            deployment.registrar_domain,
            deployment.guardianship_domain,
            deployment.emergency_domain,
        )
        if domain.name == name
    ]
    eip712 = {**descriptor["context"]["eip712"], "deployments": places}
    return {**descriptor, "context": {**descriptor["context"], "eip712": eip712}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a bound copy of each descriptor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("deployments", nargs="+", type=Path, help="Files that deployments are recorded in.")
    parser.add_argument("--out", type=Path, required=True, help="Folder for the descriptors.")
    given = parser.parse_args(arguments)
    try:
        deployments = [_deployment(path) for path in given.deployments]
    except MedRecError as error:
        print(error, file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(DESCRIPTORS.glob("*.json")):
        document = bound(json.loads(path.read_text()), deployments)
        (given.out / path.name).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        print(given.out / path.name)
    return 0


def _deployment(path: Path) -> Deployment:
    try:
        return Deployment.from_json(json.loads(path.read_text()), source=str(path))
    except (OSError, ValueError) as error:
        raise DeploymentInvalid(f"{path} can't be read: {error}.", source=str(path)) from error


if __name__ == "__main__":
    sys.exit(main())
