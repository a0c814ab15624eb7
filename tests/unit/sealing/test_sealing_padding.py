"""Padding hides lengths at a bounded price."""

from hypothesis import given
from hypothesis import strategies as st

from medrec_py.sealing.padding import coarse_step, padme


@given(st.integers(0, 1 << 60))
def test_padme_costs_at_most_12_percent_and_never_shortens(length: int) -> None:
    padded = padme(length)
    assert length <= padded <= length * 1.12
    assert padme(padded) == padded


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_padme_keeps_the_order_of_lengths(first: int, second: int) -> None:
    assert (padme(first) <= padme(second)) or first > second


def test_padme_leaves_few_lengths() -> None:
    # O(log log L) bits: of the lengths between 2^20 and 2^21 at most 2^5 remain.
    assert len({padme(length) for length in range(1 << 20, 1 << 21, 97)}) <= 33


@given(st.integers(0, 1 << 40))
def test_a_coarse_step_is_a_power_of_two_from_16_kib_on(length: int) -> None:
    step = coarse_step(length)
    assert step >= length
    assert step >= 1 << 14
    assert step & (step - 1) == 0
    assert step < 2 * max(length, 1 << 13) + 1
