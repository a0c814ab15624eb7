"""MedRec deployed on the network that `ape test` runs on, by ape's own accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medrec_py.chain import Chain, Deployment, as_account, deploy


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves these tests to `ape test`: without its plugin there is no network."""
    return None if config.pluginmanager.hasplugin("ape_test") else True


@pytest.fixture(scope="session")
def sdk_chain(networks: Any) -> Chain:
    """The SDK's view of ape's network."""
    provider = networks.active_provider
    return Chain.over(provider.web3.provider, provider.connection_str)


@pytest.fixture(scope="session")
def deployment(sdk_chain: Chain, accounts: Any) -> Deployment:
    """The contracts, deployed by ape's first account."""
    return deploy(sdk_chain, as_account(accounts[0])).deployment


@pytest.fixture(scope="session")
def contracts(project: Any) -> Any:
    """The contracts, compiled by ape now: what it keeps is not renewed when only an imported file changed."""
    return project.load_contracts(use_cache=False)


@pytest.fixture
def medrec(contracts: Any, deployment: Deployment) -> Any:
    """`MedRec` as ape sees it."""
    return contracts["MedRec"].at(deployment.medrec)


@pytest.fixture
def registrar(contracts: Any, deployment: Deployment) -> Any:
    """`Registrar` as ape sees it."""
    return contracts["Registrar"].at(deployment.registrar)
