"""`medrec web`: what it refuses before it serves, and the page as files."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from cli_commands import only_json

from medrec_py.cli.entry import run
from medrec_py.web import page as page_module


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small page where the command looks for one."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "page.js").write_text("export {};")
    (folder / "index.html").write_text(
        '<!doctype html><html><head><script type="module" src="./page.js"></script></head><body></body></html>'
    )
    monkeypatch.setattr(page_module, "_BUILT", folder)
    return folder


def test_without_a_page_it_says_how_to_build_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(page_module, "_BUILT", tmp_path / "none")
    monkeypatch.setattr(page_module, "_PACKAGED", tmp_path / "none")
    assert run(["web"]) == 1
    said = capsys.readouterr().err
    assert "PageMissing" in said
    assert "make web" in said


def test_the_page_is_written_as_files_that_know_their_server(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    assert run(["web", "--export", str(out), "--public-url", "https://medrec.example/", "--json"]) == 0
    assert only_json(capsys.readouterr().out)["files"] == 3
    config = json.loads((out / "config.json").read_text())
    assert config["rpc"] == "https://medrec.example/rpc"
    assert config["relay"] == ["https://medrec.example/relay/"], "the embedded network's own account pays"
    assert "Content-Security-Policy" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--export", "out"], "--public-url"),
        (["--store", "somewhere"], "node"),
        (["--rpc", "http://127.0.0.1:1"], "store"),
        (["--host", "0.0.0.0", "--port", "0", "--demo-wallet", "somebody"], "loopback"),
        (["--port", "0", "--demo-wallet", "nobody"], "nobody"),
        (["--host", "192.0.2.1", "--port", "0"], "192.0.2.1"),
    ],
)
def test_what_it_can_not_serve_is_named(
    built: Path, arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["web", *arguments]) == 2
    assert named in capsys.readouterr().err


def test_a_taken_port_is_named(built: Path, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["web", "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert str(port) in said
    assert "--port" in said
