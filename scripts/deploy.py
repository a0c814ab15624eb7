"""Deploys MedRec, or completes a deployment: `ape run deploy --network ethereum:local:foundry`.

Addresses depend on the administrator only, so running it again, or on another chain, finds what stands already. Where
the contracts stand is written to `deployments/<chain id>.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from ape import accounts
from ape.api import AccountAPI, ProviderAPI
from ape.cli import AccountAliasPromptChoice, ConnectedProviderCommand, account_option

from medrec_py.chain import Chain, DeploymentReport, as_account, deploy
from medrec_py.errors import InvalidInput, MedRecError


@click.command(cls=ConnectedProviderCommand)
@account_option(prompt=None)
@click.option("--admin", help="Administrator of the registrar's authority, a multisig say (default: the account).")
@click.option("--accreditor", "accreditors", multiple=True, help="Who may accredit; repeat it for several.")
@click.option("--guardian", "guardians", multiple=True, help="Who may withdraw accreditations; repeat it for several.")
@click.option(
    "--delay", type=click.IntRange(0), default=0, help="Seconds from announcing an accreditation to doing it."
)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("deployments"), help="Where to record it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cli(
    provider: ProviderAPI,
    account: AccountAPI | None,
    admin: str | None,
    accreditors: tuple[str, ...],
    guardians: tuple[str, ...],
    delay: int,
    folder: Path,
    as_json: bool,
) -> None:
    """Deploy MedRec, or complete a deployment, and record it."""
    try:
        report = deploy(
            Chain.over(provider.web3.provider, provider.connection_str),
            as_account(account or _chosen(provider)),
            admin=admin,
            accreditors=accreditors or None,
            guardians=guardians or None,
            accreditation_delay=delay,
        )
    except MedRecError as error:
        click.echo(json.dumps(error.to_json()) if as_json else f"{type(error).__name__}: {error}", err=not as_json)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    path = report.deployment.save(folder)
    click.echo(json.dumps(to_json(report, path), indent=2) if as_json else to_text(report, path))


def to_json(report: DeploymentReport, path: Path) -> dict[str, object]:
    """The report as one JSON object."""
    return {
        "deployment": report.deployment.to_json(),
        "file": str(path),
        "steps": [
            {"name": name, "gas": receipt.gas_used, "bytes": receipt.calldata_bytes, "transaction": receipt.hash.hex()}
            for name, receipt in report.receipts.items()
        ],
        "pending": [{"to": call.to, "data": "0x" + call.data.hex(), "name": call.name} for call in report.pending],
    }


def to_text(report: DeploymentReport, path: Path) -> str:
    """The report as a table."""
    lines = [f"{name:<16} {address}" for name, address in report.deployment.addresses.items()]
    lines += ["", *(f"{name:<24} {receipt.gas_used:>10,} gas" for name, receipt in report.receipts.items())]
    if not report.receipts:
        lines.append("Everything stood already; nothing was sent.")
    for call in report.pending:
        lines += ["", f"To be sent by the administrator {report.deployment.admin}:", call.to, "0x" + call.data.hex()]
    return "\n".join([*lines, "", f"Recorded in {path}."])


def _chosen(provider: ProviderAPI) -> AccountAPI:
    """Ape's first test account on a development network; elsewhere whom the user picks."""
    return accounts.test_accounts[0] if provider.network.is_dev else AccountAliasPromptChoice().select_account()
