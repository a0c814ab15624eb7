"""Secrets don't leak by accident."""

import copy
import json
import logging
import pickle
import traceback

import pytest

from medrec_py.crypto import (
    CaseKey,
    CompartmentKey,
    ContentKey,
    MailboxKey,
    NodeKey,
    ParticipantKey,
    ParticipantSeed,
    RootKey,
)
from medrec_py.crypto.secret import Secret
from medrec_py.errors import InvalidInput, InvalidKey

KINDS = [CaseKey, CompartmentKey, ContentKey, MailboxKey, NodeKey, ParticipantSeed, RootKey]
VALUE = bytes(range(32, 64))


def shows(text: str) -> bool:
    return VALUE.hex() in text or repr(VALUE)[2:-1] in text or VALUE.decode() in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_shows_nothing_in_any_text(kind: type[Secret], caplog: pytest.LogCaptureFixture) -> None:
    secret = kind(VALUE)
    texts = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", f"{[secret]}"]
    logging.getLogger("medrec").warning("got %s and %r", secret, secret)
    assert not any(shows(text) for text in [*texts, caplog.text])
    assert all(kind.__name__ in text for text in texts)


def test_a_secret_does_not_show_in_a_traceback() -> None:
    secret = RootKey(VALUE)
    try:
        raise ValueError(secret)
    except ValueError:
        assert not shows(traceback.format_exc())


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_neither_pickled_nor_hashed_nor_written_as_json(kind: type[Secret]) -> None:
    secret = kind(VALUE)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        bytes(secret)  # type: ignore[call-overload]
    assert not hasattr(secret, "__dict__")


def test_a_secret_equals_only_the_same_bytes_in_the_same_type() -> None:
    assert RootKey(VALUE) == RootKey(VALUE)
    assert RootKey(VALUE) != RootKey(bytes(32))
    assert RootKey(VALUE) != CaseKey(VALUE)
    assert RootKey(VALUE) != VALUE


def test_copying_a_secret_copies_no_bytes() -> None:
    secret = RootKey(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret})["key"] is secret


def test_reveal_is_the_one_way_out() -> None:
    assert RootKey(VALUE).reveal() == VALUE
    assert [name for name in dir(RootKey(VALUE)) if not name.startswith("_")] == ["SIZE", "random", "reveal"]


@pytest.mark.parametrize("value", [b"", bytes(31), bytes(33), bytearray(32), "0" * 32, None, 32])
def test_a_secret_of_another_length_or_type_is_refused_without_naming_it(value: object) -> None:
    with pytest.raises(InvalidKey) as refused:
        ContentKey(value)  # type: ignore[arg-type]
    assert isinstance(refused.value, InvalidInput)
    assert "32 bytes" in str(refused.value) or "made from bytes" in str(refused.value)


def test_random_secrets_differ() -> None:
    assert len({ContentKey.random().reveal() for _ in range(100)}) == 100


def test_a_key_pair_shows_and_gives_away_nothing() -> None:
    key = ParticipantKey.from_seed(ParticipantSeed(VALUE))
    assert not shows(repr(key))
    assert "secret" in str(key)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        hash(key)
