"""Deterministic deployment: the same addresses on every chain for the same administrator, however often it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medrec_py.chain.accounts import Account
from medrec_py.chain.calls import Call, TransactionReceipt
from medrec_py.chain.connection import Chain
from medrec_py.chain.deployment import Deployment

ROLE_ADMIN = 0
"""AccessManager role of the administrator."""
ROLE_ACCREDITOR = 1
"""AccessManager role of those who accredit and publish vocabularies, perhaps with a delay."""
ROLE_GUARDIAN = 2
"""AccessManager role of those who withdraw accreditations at once and cancel what accreditors announced."""


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """What a run of `deploy` did.

    Attributes:
        deployment: Where everything stands now; already verified, and in use by the chain.
        receipts: The transactions of this run by step; empty when there was nothing left to do.
        pending: Calls that only the administrator can send, when it is not the deploying account.
    """

    deployment: Deployment
    receipts: Mapping[str, TransactionReceipt]
    pending: tuple[Call, ...]


def deploy(
    chain: Chain,
    account: Account,
    *,
    admin: str | None = None,
    accreditors: tuple[str, ...] | None = None,
    guardians: tuple[str, ...] | None = None,
    accreditation_delay: int = 0,
    vocabulary: bytes | None = None,
) -> DeploymentReport:
    """Deploys whatever does not stand yet, sets the roles and publishes the vocabulary. Run again to resume.

    Args:
        chain: Where to.
        account: Pays. When it is the administrator too, roles and vocabulary are set at once.
        admin: Administrator of the AccessManager, a multisig say; the account when None.
        accreditors: Who may accredit; the administrator when None.
        guardians: Who may withdraw accreditations and cancel announced ones; the accreditors when None.
        accreditation_delay: Seconds between an accreditor's announcement and its execution.
        vocabulary: Hash to publish; that of the shipped vocabulary when None.

    Raises:
        WrongBytecode: Something else stands at an address.
        Refused: A transaction failed, or the account has too little ether.
    """
    raise NotImplementedError
