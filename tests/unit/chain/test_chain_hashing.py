from __future__ import annotations

import contextlib

import pytest
from eth_utils import keccak as reference_keccak
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.chain.hashing import checksum, keccak, require_address
from medrec_py.errors import InvalidInput


@given(st.binary(max_size=500))
def test_keccak_is_the_one_of_ethereum(data: bytes) -> None:
    assert keccak(data) == reference_keccak(data)


@given(st.binary(min_size=20, max_size=20))
def test_addresses_get_the_capitals_of_eip_55(address: bytes) -> None:
    assert checksum(address) == to_checksum_address(address)
    for form in ("0x" + address.hex(), "0X" + address.hex().upper(), checksum(address)):
        assert require_address(form) == checksum(address)


def test_a_mistyped_digit_is_caught_by_the_capitals() -> None:
    # The first example of EIP-55, with its last digit changed.
    with pytest.raises(InvalidInput, match="EIP-55"):
        require_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee")


@pytest.mark.parametrize(
    "text", ["", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x" + "g" * 40, "0x" + "1" * 41, None, 7]
)
def test_what_is_no_address_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput):
        require_address(text)  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_no_text_breaks_the_address_reader(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(require_address(text)) == 42
