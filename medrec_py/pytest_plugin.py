"""Fixtures that give any project's tests a MedRec network of their own, with roles; installed with the package.

A test names what it needs and has it, without a server and without any set-up::

    def test_our_reader_sees_what_was_granted(medrec_hospital, medrec_patient, medrec_clinic, medrec_subject):
        medrec_hospital.publish(medrec_subject, our_bundle)
        medrec_patient.grant(medrec_clinic.address, classes=["laboratory"], purposes=["TREAT"])
        assert our_reader(medrec_clinic) == ["Observation/potassium"]

Each test gets a network of its own; `medrec_scope = "session"` (or `module`, `class`, `package`) in pytest's
configuration, or `--medrec-scope`, shares one, which is faster when tests don't mind each other's traces.

pytest loads this module at every run in an environment that holds the package, also in runs that use none of it: so it
imports nothing of the package at its top, and each fixture imports what it needs when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, cast

import pytest

if TYPE_CHECKING:
    from medrec_py.client import MedRec, Patient, Provider, Registrar, Viewer

Scope = Literal["session", "package", "module", "class", "function"]
SCOPES = ("function", "class", "module", "package", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option `--medrec-scope` and the setting `medrec_scope`."""
    explanation = "how long one MedRec network serves: function (the default), class, module, package or session"
    parser.getgroup("medrec").addoption("--medrec-scope", choices=SCOPES, default=None, help=explanation)
    parser.addini("medrec_scope", explanation, default="function")


def pytest_configure(config: pytest.Config) -> None:
    """Refuses a scope that pytest doesn't have, before it fails over it in many more words."""
    scope = config.getini("medrec_scope")
    if scope not in SCOPES:
        raise pytest.UsageError(f"medrec_scope is {scope!r}; it must be one of {', '.join(SCOPES)}")


def _scope(fixture_name: str, config: pytest.Config) -> Scope:
    """The scope of all fixtures here, as pytest asks for it."""
    return cast("Scope", config.getoption("--medrec-scope") or config.getini("medrec_scope"))


@pytest.fixture(scope=_scope)
def medrec_network() -> Iterator[MedRec]:
    """A whole network inside the process: chain, contracts, store and index. Gone when the test ends."""
    from medrec_py.client import MedRec

    with MedRec.embedded() as network:
        yield network


@pytest.fixture(scope=_scope)
def medrec_registrar(medrec_network: MedRec) -> Registrar:
    """Who accredits."""
    return medrec_network.registrar()


@pytest.fixture(scope=_scope)
def medrec_hospital(medrec_network: MedRec, medrec_registrar: Registrar) -> Provider:
    """A registered and accredited provider, with no patients yet."""
    hospital = medrec_network.provider()
    hospital.register(name="Hospital")
    medrec_registrar.accredit(hospital.address)
    return hospital


@pytest.fixture(scope=_scope)
def medrec_clinic(medrec_network: MedRec, medrec_registrar: Registrar) -> Viewer:
    """A registered and accredited viewer, to whom nothing was granted yet."""
    clinic = medrec_network.viewer()
    clinic.register(name="Clinic")
    medrec_registrar.accredit(clinic.address)
    return clinic


@pytest.fixture(scope=_scope)
def medrec_stranger(medrec_network: MedRec) -> Viewer:
    """A registered viewer whom nobody accredited and nobody will grant anything."""
    stranger = medrec_network.viewer()
    stranger.register(name="Stranger")
    return stranger


@pytest.fixture(scope=_scope)
def medrec_patient(medrec_network: MedRec) -> Patient:
    """A patient in private mode, whose acts the network relays, with no relationship yet."""
    return medrec_network.patient()


@pytest.fixture(scope=_scope)
def medrec_subject(medrec_hospital: Provider, medrec_patient: Patient) -> str:
    """The address that stands for the patient towards the hospital: their relationship is open."""
    subject = medrec_patient.next_subject()
    medrec_patient.accept(medrec_hospital.invite(subject))
    return subject
