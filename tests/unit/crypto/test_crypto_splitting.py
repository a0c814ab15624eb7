"""A secret split among people: enough of them get it back, one fewer get nothing."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import MnemonicError, combine_mnemonics

from medrec_py.crypto import candidates, split, threshold_of
from medrec_py.errors import InvalidInput

SECRET = bytes(range(32))


@given(
    st.binary(min_size=32, max_size=32), st.integers(2, 5).flatmap(lambda t: st.tuples(st.just(t), st.integers(t, 6)))
)
@settings(max_examples=25, deadline=None)
def test_any_threshold_of_the_shares_gives_the_secret(secret: bytes, numbers: tuple[int, int]) -> None:
    threshold, count = numbers
    shares = split(secret, threshold, count)
    assert len(set(shares)) == count
    assert {threshold_of(words) for words in shares} == {threshold}
    for chosen in combinations(shares, threshold):
        assert list(candidates(chosen)) == [secret]


def test_one_share_fewer_gives_no_candidate_at_all() -> None:
    for threshold in (2, 3, 5):
        shares = split(SECRET, threshold, 6)
        for chosen in combinations(shares, threshold - 1):
            assert list(candidates(chosen)) == []
            with pytest.raises(MnemonicError):
                combine_mnemonics(chosen)


def test_shares_of_two_splittings_do_not_mix() -> None:
    first, second = split(SECRET, 2, 3), split(SECRET, 2, 3)
    assert list(candidates([first[0], second[1]])) == []
    assert list(candidates([first[0], second[1], first[2]])) == [SECRET]


def test_false_shares_among_true_ones_hide_nothing() -> None:
    shares = split(SECRET, 3, 5)
    others = split(bytes(32), 3, 5)
    found = list(candidates([*others[:2], "no words", "", *shares[1:4], shares[1]]))
    assert found == [SECRET]


@pytest.mark.parametrize(("threshold", "count"), [(1, 1), (1, 2), (0, 3), (3, 2), (2, 17), (-1, 2)])
def test_a_split_that_leaves_it_to_one_or_that_nobody_could_undo_is_refused(threshold: int, count: int) -> None:
    with pytest.raises(InvalidInput):
        split(SECRET, threshold, count)


def test_only_32_bytes_are_split() -> None:
    for secret in (b"", bytes(16), bytes(33)):
        with pytest.raises(InvalidInput, match="bytes"):
            split(secret, 2, 3)


def test_one_changed_word_is_no_share() -> None:
    words = split(SECRET, 2, 3)[0].split()
    for at in range(len(words)):
        changed = [*words]
        changed[at] = "academic" if changed[at] != "academic" else "acid"
        with pytest.raises(InvalidInput, match="no share"):
            threshold_of(" ".join(changed))


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_any_text_is_refused_as_a_share(words: str) -> None:
    with pytest.raises(InvalidInput):
        threshold_of(words)
    assert list(candidates([words, words])) == []
