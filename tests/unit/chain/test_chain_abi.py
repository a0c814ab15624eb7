from __future__ import annotations

import inspect
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain import MedRecContract, RegistrarContract
from medrec_py.chain.abi import artifact
from medrec_py.errors import ChainInconsistent, InvalidInput

ADDRESS = "0x" + "11" * 20
NOT_BUILT = {
    # read only inside this package, or by wallets
    "MedRec": {"eip712Domain", "registrar", "grantId", "hashTerms"},
    "Registrar": {"eip712Domain", "authority", "setAuthority", "isConsumingScheduledOp"},
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize(("contract", "wrapper"), [("MedRec", MedRecContract), ("Registrar", RegistrarContract)])
def test_every_function_of_the_contract_has_a_method_of_its_name_and_parameters(contract: str, wrapper: type) -> None:
    for name, function in artifact(contract).functions.items():
        if name in NOT_BUILT[contract]:
            continue
        method = inspect.signature(getattr(wrapper, snake(name)))
        ours = [parameter for parameter in method.parameters if parameter not in ("self", "block")]
        theirs = [snake(parameter) for parameter, _ in function.parameters]
        assert ours == (["calls"] if name == "multicall" else theirs), name
        mutates = next(e for e in artifact(contract).abi if e.get("name") == name)["stateMutability"] == "nonpayable"
        assert (method.return_annotation == "Call") == mutates, name


@pytest.mark.parametrize(
    ("name", "arguments", "parameter"),
    [
        ("revoke", (b"\1" * 31,), "id"),
        ("revoke", ("0x" + "11" * 32,), "id"),
        ("grant", (ADDRESS, "nobody", bytes(32), bytes(32)), "nobody"),
        ("commitReceipts", (True, bytes(32), 1), "epoch"),
        ("commitReceipts", (-1, bytes(32), 1), "epoch"),
        ("commitReceipts", (2**64, bytes(32), 1), "epoch"),
        ("anchor", (ADDRESS, [bytes(32), bytes(5)], b""), r"digests\[1\]"),
        ("anchor", (ADDRESS, [], "text"), "locators"),
        ("isInBatch", (ADDRESS, ADDRESS, bytes(32), bytes(15), bytes(32), bytes(32), []), "locator"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(name: str, arguments: tuple[object, ...], parameter: str) -> None:
    with pytest.raises(InvalidInput, match=parameter):
        artifact("MedRec").functions[name].encode(*arguments)


@given(st.sampled_from(sorted(artifact("MedRec").functions)), st.binary(max_size=130))
def test_no_answer_breaks_the_decoder(name: str, data: bytes) -> None:
    function = artifact("MedRec").functions[name]
    try:
        values = function.decode(data)
    except ChainInconsistent:
        return
    assert len(values) == len(function.outputs)


def test_locators_are_sixteen_bytes_each_even_when_their_sum_fits() -> None:
    medrec = MedRecContract.__new__(MedRecContract)
    with pytest.raises(InvalidInput, match="locator"):
        medrec.anchor(ADDRESS, [os.urandom(32)] * 2, [os.urandom(15), os.urandom(17)])
