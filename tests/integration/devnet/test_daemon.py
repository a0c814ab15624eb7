"""Background servers: real processes on real ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medrec_py.devnet import ports
from medrec_py.devnet.daemon import Daemon, Process, marked_processes
from medrec_py.errors import PortTaken, ServerFailed

pytestmark = pytest.mark.servers

LISTENER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def daemon(tmp_path: Path):
    daemon = Daemon("listener", tmp_path)
    yield daemon
    daemon.stop()
    for process in marked_processes(tmp_path):
        process.end()


def start(daemon: Daemon, program: str = LISTENER, *, patience: float = 20.0) -> int:
    port = ports.free_port()
    command = [sys.executable, "-c", program, str(port)]
    daemon.start(command, port, is_answering=lambda: accepts(port), patience=patience)
    return port


def test_a_server_answers_when_start_returns_and_is_gone_when_stop_returns(daemon: Daemon):
    port = start(daemon)
    process = daemon.process
    assert process is not None
    assert daemon.port == port
    assert accepts(port)
    assert daemon.stop()
    assert not process.is_running
    assert not accepts(port)
    assert (daemon.port, daemon.process) == (None, None)


def test_stopping_what_does_not_run_is_harmless(daemon: Daemon):
    assert not daemon.stop()


def test_another_object_for_the_same_folder_finds_and_stops_the_server(daemon: Daemon, tmp_path: Path):
    start(daemon)
    other = Daemon("listener", tmp_path)
    assert other.process == daemon.process
    assert other.stop()
    assert daemon.process is None


def test_the_server_outlives_the_command_that_started_it(tmp_path: Path, daemon: Daemon):
    port = ports.free_port()
    starter = f"""
import socket, sys
from pathlib import Path
from medrec_py.devnet.daemon import Daemon
answers = lambda: socket.socket().connect_ex(("127.0.0.1", {port})) == 0
command = [sys.executable, "-c", {LISTENER!r}, "{port}"]
Daemon("listener", Path({str(tmp_path)!r})).start(command, {port}, is_answering=answers)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", starter], check=True, timeout=60)
    assert daemon.process is not None
    assert accepts(port)


def test_a_server_that_ends_instead_of_answering_is_reported_with_its_own_last_words(daemon: Daemon):
    with pytest.raises(ServerFailed, match=r"listener ended.*disk is full"):
        start(daemon, "import sys, time; time.sleep(0.3); sys.exit('disk is full')")
    assert daemon.port is None


def test_only_the_last_words_of_this_start_are_reported(daemon: Daemon):
    daemon.log.write_text("words of an earlier run\n")
    with pytest.raises(ServerFailed) as refused:
        start(daemon, "import sys, time; time.sleep(0.3); sys.exit('of this one')")
    assert "earlier" not in str(refused.value)


def test_a_program_that_is_not_there_is_reported(daemon: Daemon, tmp_path: Path):
    port = ports.free_port()
    with pytest.raises(ServerFailed, match="no-such-program"):
        daemon.start([str(tmp_path / "no-such-program")], port, is_answering=lambda: accepts(port))


def test_a_silent_server_is_ended_again(daemon: Daemon, tmp_path: Path):
    with pytest.raises(ServerFailed, match="does not answer"):
        start(daemon, "import time; time.sleep(60)", patience=0.5)
    assert marked_processes(tmp_path) == []


def test_a_taken_port_is_named_with_who_holds_it_and_nothing_is_started(daemon: Daemon, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            daemon.start([sys.executable, "-c", LISTENER, str(port)], port, is_answering=lambda: accepts(port))
    assert str(port) in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert marked_processes(tmp_path) == []


def test_a_process_that_ignores_the_request_to_end_is_ended_all_the_same(tmp_path: Path):
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        process = Process.find(child.pid)
        assert process is not None
        begun = time.monotonic()
        process.end(grace=0.3)
        assert not process.is_running
        assert time.monotonic() - begun < 5


def test_a_later_process_with_the_same_number_is_not_taken_for_the_server(daemon: Daemon):
    start(daemon)
    process = daemon.process
    assert process is not None
    impostor = Process(process.pid, "another boot:1")
    assert not impostor.is_running
    impostor.end()
    assert process.is_running


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"pid": "x", "started": "", "port": 1}', '{"pid": 1}', "\0\0"])
def test_a_damaged_note_counts_as_none_and_the_process_is_found_all_the_same(daemon: Daemon, tmp_path: Path, note: str):
    start(daemon)
    process = daemon.process
    (tmp_path / "listener.json").write_text(note)
    assert daemon.process is None
    assert marked_processes(tmp_path) == [process]


def test_the_holder_of_a_port_that_nobody_holds_is_not_invented():
    assert ports.holder(ports.free_port()) == "a process that this user can't see"


def test_another_server_that_answers_on_the_port_is_not_taken_for_ours(daemon: Daemon, tmp_path: Path):
    port = ports.free_port()
    first = f"""
import http.server, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {LISTENER!r}, sys.argv[1]], env={{}})
time.sleep(60)
"""
    # Stands in for somebody who takes the port between the look and the start: ours only waits, and another answers.
    command = [sys.executable, "-c", first, str(port)]
    try:
        with pytest.raises(PortTaken, match=str(port)):
            daemon.start(command, port, is_answering=lambda: accepts(port))
        assert marked_processes(tmp_path) == []
        assert daemon.port is None
    finally:
        for pid in ports.holders(port):
            os.kill(pid, 9)
