"""Which store an address names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import StoreAddressInvalid
from medrec_py.storage import FolderStore, open_store
from medrec_py.storage.addresses import KuboAddress
from medrec_py.storage.kubo import KuboStore
from medrec_py.storage.replicated import ReplicatedStore


@pytest.mark.parametrize(
    ("address", "multiaddr", "name", "auth"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "/ip4/127.0.0.1/tcp/5001", "/ip4/127.0.0.1/tcp/5001", None),
        ("/dns/node.example/tcp/443/https", "/dns/node.example/tcp/443/https", "/dns/node.example/tcp/443/https", None),
        ("http://127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001/http", "http://127.0.0.1:5001", None),
        ("http://127.0.0.1:5001/api/v0/", "/ip4/127.0.0.1/tcp/5001/http", "http://127.0.0.1:5001", None),
        ("http://[::1]:5001/", "/ip6/::1/tcp/5001/http", "http://[::1]:5001", None),
        ("https://node.example", "/dns/node.example/tcp/443/https", "https://node.example:443", None),
        (
            "https://ward:p%40ss@node.example:8443",
            "/dns/node.example/tcp/8443/https",
            "https://node.example:8443",
            ("ward", "p@ss"),
        ),
    ],
)
def test_an_address_of_kubo_is_read(address, multiaddr, name, auth):
    parsed = KuboAddress.parse(address)
    assert (parsed.multiaddr, parsed.name, parsed.auth) == (multiaddr, name, auth)
    with open_store(address) as store:
        assert isinstance(store, KuboStore)
        assert store.name == name


@pytest.mark.parametrize(
    "address",
    ["http://", "http://:5001", "http://host:99999", "http://host:5001/other", "http://host:5001?x=1", "/ip4/999/tcp/1",
     "/ip4/127.0.0.1/udp/5001", "/ip4/127.0.0.1", "ftp://host/", "s3://bucket", "", ",", "a,,b", "http://[::1"],
)  # fmt: skip
def test_an_address_that_names_no_store_is_refused(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreAddressInvalid):
        open_store(address)
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_shown_nowhere():
    with open_store("https://ward:secret@node.example:8443") as store:
        assert "secret" not in store.name
    assert "secret" not in repr(KuboAddress.parse("https://ward:secret@node.example"))
    for broken in ("https://ward:secret@node.example/elsewhere", "http://ward:secret@h:1,x,"):
        with pytest.raises(StoreAddressInvalid) as caught:
            open_store(broken)
        assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_behind_a_scheme_is_an_address_or_refused(text):
    try:
        KuboAddress.parse("http://" + text)
    except StoreAddressInvalid:
        return


def test_a_folder_is_made_where_the_address_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for address in (str(tmp_path / "plain"), tmp_path / "with, comma", "~/home"):
        assert isinstance(open_store(address), FolderStore)
    assert {path.name for path in tmp_path.iterdir()} == {"plain", "with, comma", "home"}


def test_several_addresses_make_replicas_with_a_majority_or_the_quorum_that_is_said(tmp_path):
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert open_store(f"{a},{b},{c}").quorum == 2
    assert open_store(f"{a}, {b}").quorum == 2
    assert open_store(f"{a},{b},{c};quorum=3").quorum == 3
    store = open_store(f"{a},{b},{c}", quorum=1)
    assert isinstance(store, ReplicatedStore)
    assert store.quorum == 1
    assert store.name == f"{a}, {b}, {c}"


@pytest.mark.parametrize("suffix", [";quorum=0", ";quorum=3"])
def test_a_quorum_that_cannot_be_met_is_refused(tmp_path, suffix):
    with pytest.raises(StoreAddressInvalid, match="quorum"):
        open_store(f"{tmp_path / 'a'},{tmp_path / 'b'}{suffix}")


def test_a_quorum_said_twice_or_for_one_store_is_refused(tmp_path):
    with pytest.raises(StoreAddressInvalid, match="caller says 1"):
        open_store(f"{tmp_path / 'a'},{tmp_path / 'b'};quorum=2", quorum=1)
    with pytest.raises(StoreAddressInvalid, match="one store"):
        open_store(str(tmp_path / "a"), quorum=2)


def test_the_same_store_twice_is_no_replica(tmp_path):
    with pytest.raises(StoreAddressInvalid, match="twice"):
        open_store(f"{tmp_path / 'a'},{tmp_path / 'a'}")


def test_opening_takes_a_path_object_as_one_folder(tmp_path):
    assert Path(open_store(tmp_path / "a;quorum=2").path).name == "a;quorum=2"
