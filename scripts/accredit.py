"""Vouches for a participant, or no longer: `ape run accredit ADDRESS --role provider --until 2030-01-01 --network …`.

Where the deployment asks for a delay, the first run announces it and the same run after the delay does it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from ape import accounts
from ape.api import AccountAPI, ProviderAPI
from ape.cli import AccountAliasPromptChoice, ConnectedProviderCommand, account_option

from medrec_py.chain import Chain, Deployment, RegistrarContract, as_account
from medrec_py.errors import InvalidInput, MedRecError

ROLES = {"provider": 1, "gateway": 2}


@click.command(cls=ConnectedProviderCommand)
@click.argument("participant")
@account_option(prompt=None)
@click.option(
    "--role", "roles", type=click.Choice(list(ROLES)), multiple=True, default=("provider",), show_default=True
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Day on which it ends, UTC.")
@click.option(
    "--evidence", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Document whose digest is kept."
)
@click.option("--withdraw", is_flag=True, help="End the accreditation at once.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("deployments"), help="Where deployments are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cli(
    provider: ProviderAPI,
    participant: str,
    account: AccountAPI | None,
    roles: tuple[str, ...],
    until: datetime | None,
    evidence: Path | None,
    withdraw: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Vouch for PARTICIPANT, or (--withdraw) no longer."""
    if (until is None) is not withdraw:
        raise click.UsageError("Say either --until DAY or --withdraw.")
    credential = hashlib.sha256(evidence.read_bytes()).digest() if evidence else bytes(32)
    try:
        chain = Chain.over(provider.web3.provider, provider.connection_str)
        signer = as_account(account or _chosen(provider))
        registrar = RegistrarContract(Deployment.load(folder, chain), chain)
        if until is None:
            call = registrar.withdraw_accreditation(participant)
        else:
            ends = int(until.replace(tzinfo=UTC).timestamp())
            call = registrar.accredit(participant, sum(ROLES[role] for role in set(roles)), ends, credential)
        step = registrar.next_step(signer.address, call)
        receipt = chain.send(signer, step)
        due = registrar.executable_at(signer.address, call) if step.name == "schedule" else 0
    except MedRecError as error:
        click.echo(json.dumps(error.to_json()) if as_json else f"{type(error).__name__}: {error}", err=not as_json)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    if as_json:
        document = {"step": step.name, "gas": receipt.gas_used, "transaction": receipt.hash.hex(), "executableAt": due}
        click.echo(json.dumps(document))
    elif due:
        click.echo(f"Announced. Run the same again after {datetime.fromtimestamp(due, UTC):%Y-%m-%d %H:%M:%S} UTC.")
    else:
        click.echo(f"Done: {step.name}, {receipt.gas_used:,} gas.")


def _chosen(provider: ProviderAPI) -> AccountAPI:
    """Ape's first test account on a development network; elsewhere whom the user picks."""
    return accounts.test_accounts[0] if provider.network.is_dev else AccountAliasPromptChoice().select_account()
