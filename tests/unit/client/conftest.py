"""One embedded network for the whole folder; every test has a patient of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_world import Admitted, World, admit

from medrec_py import MedRec


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with MedRec.embedded() as network:
        hospital, clinic = network.provider(), network.viewer()
        specialist, stranger = network.viewer(), network.viewer()
        hospital.register(name="Hospital")
        clinic.register(name="Clinic")
        specialist.register(name="Specialist")
        stranger.register(name="Stranger")
        network.registrar().accredit(hospital.address)
        yield World(network, hospital, clinic, specialist, stranger)


@pytest.fixture(params=["private", "wallet"])
def admitted(world: World, request: pytest.FixtureRequest) -> Admitted:
    """A patient in either mode, with an open relationship."""
    return admit(world, wallet_mode=request.param == "wallet")
