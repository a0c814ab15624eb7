"""Events survive being JSON, and nothing but an event passes for one."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import InvalidInput
from medrec_py.types.event_json import EVENT_TYPES, event_from_json, event_to_json
from medrec_py.types.events import GrantRevoked

FORMS = {
    "str": st.text(),
    "int": st.integers(0, 2**64 - 1),
    "bytes": st.binary(max_size=40),
    "tuple[bytes, ...]": st.lists(st.binary(max_size=40), max_size=4).map(tuple),
}
EVENTS = st.one_of(
    *(st.builds(kind, **{field.name: FORMS[field.type] for field in fields(kind)}) for kind in EVENT_TYPES.values())
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def test_every_event_of_the_contracts_has_a_name():
    assert len(EVENT_TYPES) == 25


@given(EVENTS)
def test_an_event_comes_back_from_its_json(event):
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


@given(JSON)
def test_other_json_is_refused(document):
    with pytest.raises(InvalidInput):
        event_from_json(document)


@given(EVENTS, st.data())
def test_an_event_with_a_wrong_field_is_refused_or_is_another_event(event, data):
    document = event_to_json(event)
    name = data.draw(st.sampled_from(sorted(document)))
    if data.draw(st.booleans()):
        del document[name]
    else:
        document[name] = data.draw(JSON)
    try:
        read = event_from_json(document)
    except InvalidInput:
        return
    assert event_to_json(read) == document


def test_the_field_at_fault_is_named():
    document = event_to_json(GrantRevoked("0x" + "11" * 20, bytes(32)))
    with pytest.raises(InvalidInput, match="GrantRevoked: id can't be 5"):
        event_from_json({**document, "id": 5})
    with pytest.raises(InvalidInput, match="field 'extra' is missing or unknown"):
        event_from_json({**document, "extra": 5})
    with pytest.raises(InvalidInput, match="no event 'Nonsense'"):
        event_from_json({"event": "Nonsense"})
