"""Which calls are signed acts, and whose."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import Call, generate_account
from medrec_py.chain.abi import artifact
from medrec_py.client.acts import RELAYED, relayed_functions
from medrec_py.errors import InvalidInput, MedRecError
from medrec_py.relay.acts import SIGNERS, WITHDRAWING, Act, act_id, calls_from_json, calls_of

NAMES = {name for names in RELAYED.values() for name in names}


def test_every_signed_act_says_who_signs_it():
    for contract, names in RELAYED.items():
        for name in names:
            parameters = artifact(contract).functions[name].parameters
            signer = SIGNERS.get(name, parameters[0][0])
            assert (signer, "address") in parameters, name


def test_the_tables_name_only_acts_that_are_relayed():
    assert set(SIGNERS) <= NAMES
    assert WITHDRAWING <= NAMES


def test_nothing_that_gives_counts_as_withdrawing():
    assert not WITHDRAWING & {"grantWithSig", "open", "anchorWithSig", "resumeWithSig", "registerWithSig", "announce"}


def test_an_act_is_its_signers_and_not_its_subjects(world):
    digest, locator = os.urandom(32), os.urandom(16)
    anchoring = world.medrec.anchor_with_sig(
        world.patient.address, world.provider.address, [digest], [locator], bytes(65)
    )
    assert Act.of(world.deployment, [anchoring]).signers == {world.provider.address}
    granting = world.granting(world.presented())
    assert Act.of(world.deployment, [granting]).signers == {world.patient.address}
    closing = world.medrec.close_with_sig(
        world.patient.address, world.provider.address, world.provider.address, bytes(65)
    )
    assert Act.of(world.deployment, [closing]).signers == {world.provider.address}
    assert Act.of(world.deployment, [closing]).is_withdrawing
    assert not Act.of(world.deployment, [closing, granting]).is_withdrawing


def test_acts_that_nobody_signed_are_refused(world):
    for call in (
        world.medrec.revoke(os.urandom(32)),
        world.medrec.multicall([world.granting(world.presented())]),
        Call(world.stranger.address, world.granting(world.presented()).data),
        Call(world.deployment.medrec, b""),
        Call(world.deployment.medrec, world.granting(world.presented()).data, value=1),
    ):
        with pytest.raises(InvalidInput, match="is not a signed act"):
            Act.of(world.deployment, [call])
    with pytest.raises(InvalidInput, match="no act"):
        Act.of(world.deployment, [])


def test_acts_of_different_contracts_are_refused_together(world):
    registering = world.registrar.register_with_sig(world.viewer.address, os.urandom(1216), bytes(32), bytes(65))
    with pytest.raises(InvalidInput, match="Only calls of MedRec"):
        Act.of(world.deployment, [registering, world.granting(world.presented())])


def test_malformed_arguments_are_refused(world):
    for selector in (selector for _, selector in relayed_functions(world.deployment)):
        for to in {address for address, known in relayed_functions(world.deployment) if known == selector}:
            with pytest.raises(InvalidInput, match="malformed"):
                Act.of(world.deployment, [Call(to, selector + b"\xff" * 40)])


def test_the_same_calls_are_the_same_act_in_this_order_on_this_chain_only(world):
    one, two = world.granting(world.presented()), world.granting(world.presented())
    renamed = Call(one.to, one.data, "another name")
    assert act_id(1, [one, two]) == act_id(1, [renamed, two])
    assert len({act_id(1, [one, two]), act_id(1, [two, one]), act_id(1, [one]), act_id(2, [one, two])}) == 4


def test_calls_come_out_of_a_multicall_as_they_went_in(world):
    calls = [world.granting(world.presented()) for _ in range(3)]
    parts = calls_of(world.deployment, world.medrec.multicall(calls))
    assert [(part.to, part.data) for part in parts] == [(call.to, call.data) for call in calls]
    assert calls_of(world.deployment, calls[0]) == (calls[0],)


@given(st.lists(st.fixed_dictionaries({"to": st.text(max_size=44), "data": st.text(max_size=12)}), max_size=3))
def test_any_text_for_calls_is_read_or_refused(document):
    try:
        calls = list(calls_from_json(document))
    except InvalidInput:
        return
    assert [call.data.hex() for call in calls] == [item["data"][2:].lower() for item in document]


@given(data=st.binary(max_size=400), place=st.integers(0, 30))
def test_any_bytes_behind_a_selector_are_an_act_or_refused(chain, data, place):
    known = list(relayed_functions(chain.deployment))
    to, selector = known[place % len(known)]
    try:
        act = Act.of(chain.deployment, [Call(to, selector + data)])
    except MedRecError:
        return
    assert len(act.signers) == 1


def test_blanks_in_hexadecimal_are_refused():
    address = generate_account().address
    for text in ("0x 12", "0x12 ", "0x1", "12", "0xzz"):
        with pytest.raises(InvalidInput):
            list(calls_from_json([{"to": address, "data": text}]))
