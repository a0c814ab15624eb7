"""Splitting a secret among people: Shamir's scheme as SLIP-39 writes it, by the library of its authors.

A share is a line of words with a checksum, so that it can be kept on paper as well. One group, no passphrase, the
lowest number of iterations: these stretch passphrases, of which there are none. `threshold` shares give the secret. One
fewer give nothing of it but a way to check a guess (SLIP-39 folds in a digest of 4 bytes, by which wrong shares are
noticed), and there are 2^256 secrets to guess from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, islice

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from medrec_py.crypto.secret import KEY_BYTES
from medrec_py.errors import InvalidInput

MOST_SHARES = 16
MOST_CHOICES = 20_000
"""Choices of shares that are tried: 12,870 of 8 out of 16, or of 2 out of 200, among which others hid a true one."""


def split(secret: bytes, threshold: int, count: int) -> tuple[str, ...]:
    """Shares of a secret, of which any `threshold` give it back.

    Args:
        secret: 32 bytes.
        threshold: At least 2: nobody gets the secret alone.
        count: 2 to 16.

    Raises:
        InvalidInput: A number is out of bounds.
    """
    if len(secret) != KEY_BYTES:
        raise InvalidInput(f"A secret of {len(secret)} bytes is not split here, but one of {KEY_BYTES}.")
    if not 2 <= threshold <= count <= MOST_SHARES:
        raise InvalidInput(
            f"{threshold} of {count} shares can't be asked for.",
            hint=f"Name 2 to {MOST_SHARES} people, and ask for at least 2 of them.",
            threshold=threshold,
            count=count,
        )
    return tuple(generate_mnemonics(1, [(threshold, count)], secret, iteration_exponent=0)[0])


def threshold_of(words: str) -> int:
    """How many shares the secret of this one needs.

    Raises:
        InvalidInput: It is no share.
    """
    try:
        share = Share.from_mnemonic(words)
    except MnemonicError as error:
        raise InvalidInput(f"This is no share of a secret: {error}") from None
    if share.group_count != 1:
        raise InvalidInput("This share belongs to several groups, which is not done here.")
    return int(share.member_threshold)


def split_of(words: str) -> int:
    """Which split a share is of: SLIP-39's identifier, 15 random bits that all shares of one secret have.

    Raises:
        InvalidInput: It is no share.
    """
    threshold_of(words)
    return int(Share.from_mnemonic(words).identifier)


def candidates(shares: Iterable[str]) -> Iterator[bytes]:
    """The secrets that the shares make, over all choices of `threshold` of them that fit together.

    Some may be false: whoever asks compares what comes out with what it knows of the secret. Shares that are none are
    passed over.

    Args:
        shares: Any number, in any order.
    """
    known: dict[tuple[int, int], list[str]] = {}
    for words in dict.fromkeys(shares):
        try:
            threshold = threshold_of(words)
        except InvalidInput:
            continue
        known.setdefault((threshold, split_of(words)), []).append(words)
    for (threshold, _), group in known.items():
        for chosen in islice(combinations(group, threshold), MOST_CHOICES):
            try:
                yield combine_mnemonics(chosen)
            except MnemonicError:
                continue
