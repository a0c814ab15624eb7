"""Gas by the day and acts by the minute, without keeping whose."""

from __future__ import annotations

import pytest

from medrec_py.errors import RelayBudgetSpent, RelayTooOften
from medrec_py.relay.limits import DAY, Meter, RelayLimits

PATIENT, PROVIDER = "0x" + "ab" * 20, "0x" + "CD" * 20
NOON = 20_000 * DAY + DAY // 2


def test_a_signers_gas_is_limited_by_the_day():
    meter = Meter(RelayLimits(gas_per_signer=100))
    meter.require_room([PATIENT], 100, NOON)
    meter.count([PATIENT], 60, NOON)
    meter.require_room([PATIENT], 40, NOON)
    with pytest.raises(RelayBudgetSpent, match="40 are left") as refused:
        meter.require_room([PATIENT], 41, NOON)
    assert refused.value.facts["retry_after"] == DAY // 2
    meter.require_room([PROVIDER], 100, NOON)
    meter.require_room([PATIENT], 100, NOON + DAY // 2)


def test_an_act_of_several_signers_needs_room_for_each():
    meter = Meter(RelayLimits(gas_per_signer=100))
    meter.count([PROVIDER], 90, NOON)
    with pytest.raises(RelayBudgetSpent):
        meter.require_room([PATIENT, PROVIDER], 20, NOON)


def test_a_signers_acts_are_limited_by_the_minute():
    meter = Meter(RelayLimits(acts_per_minute=2))
    for _ in range(2):
        meter.require_room([PATIENT], 1, NOON + 20)
        meter.count([PATIENT], 1, NOON + 20)
    with pytest.raises(RelayTooOften) as refused:
        meter.require_room([PATIENT], 1, NOON + 20)
    assert refused.value.facts["retry_after"] == 40
    meter.require_room([PATIENT], 1, NOON + 60)


def test_requests_are_limited_by_the_minute_and_address():
    meter = Meter(RelayLimits(requests_per_minute=3))
    for _ in range(3):
        meter.request("192.0.2.1", NOON)
    with pytest.raises(RelayTooOften):
        meter.request("192.0.2.1", NOON + 59)
    meter.request("192.0.2.2", NOON)
    meter.request("192.0.2.1", NOON + 60)


def test_an_address_is_one_person_in_any_spelling():
    meter = Meter(RelayLimits(gas_per_signer=100))
    meter.count([PROVIDER], 90, NOON)
    with pytest.raises(RelayBudgetSpent):
        meter.require_room([PROVIDER.lower()], 20, NOON)


def test_names_change_with_the_day_and_from_one_relayer_to_the_next():
    meter, other = Meter(RelayLimits()), Meter(RelayLimits())
    for one in (meter, other):
        one.request("192.0.2.1", NOON)
    today = meter.name(PATIENT)
    assert today == meter.name(PATIENT)
    assert other.name(PATIENT) != today
    meter.request("192.0.2.1", NOON + DAY)
    assert meter.name(PATIENT) != today


def test_neither_addresses_nor_anything_made_of_them_without_a_key_is_in_the_counts():
    meter = Meter(RelayLimits())
    meter.request("192.0.2.1", NOON)
    meter.count([PATIENT], 5, NOON)
    held = repr(vars(meter)).lower()
    assert PATIENT[2:] not in held
    assert "192.0.2.1" not in held


def test_limits_are_told_by_their_names_in_json():
    document = RelayLimits(gas_per_day=7).to_json()
    assert document["gasPerDay"] == 7
    assert set(document) >= {"gasPerSigner", "maxFeePerGas", "bodyBytes", "actsPerMinute"}
