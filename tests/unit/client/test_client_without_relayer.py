"""A patient whom nobody relays: looking on works, acting says what is missing."""

from __future__ import annotations

import pytest
from client_world import World

from medrec_py import MedRec
from medrec_py.client.context import Context
from medrec_py.errors import NoRelayer


def test_a_patient_without_a_relayer_sees_everything_and_is_told_what_acting_takes(world: World):
    network = world.network
    alone = MedRec(Context(network.chain, network.deployment, network.store, network.index, network.outbox, None))
    patient = alone.patient(network.patient()._account)
    assert patient.grants() == []
    assert patient.records() == []
    assert patient.verify().ok
    invitation = world.hospital.invite(patient.next_subject())
    with pytest.raises(NoRelayer, match="nobody relays"):
        patient.accept(invitation)
    assert patient.relationships() == []
