"""A 1 GiB object passes through in bounded memory: measured in a process of its own."""

import json
import subprocess
import sys

import pytest

MIB = 1 << 20
LIMIT = 64 * MIB

pytestmark = [pytest.mark.servers, pytest.mark.slow]

MEASURE = """
import hashlib, json, sys, time
from medrec_py.storage import open_store

MIB, COUNT = 1 << 20, int(sys.argv[2])
pattern = hashlib.shake_128(b"medrec").digest(MIB - 8)


class Blob:
    'A file in which every MiB is different; reads are 1 MiB each.'

    def __init__(self):
        self.number = 0

    def read(self, length=-1):
        if self.number == COUNT:
            return b""
        self.number += 1
        assert length >= MIB
        return self.number.to_bytes(8, "big") + pattern


def peak():
    # not ru_maxrss: that begins at what the parent process had
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


store = open_store(sys.argv[1])
store.get(store.put(b"warm up: connections, threads, lazily loaded modules"))
baseline = peak()
started = time.perf_counter()
cid = store.put(Blob())
put = time.perf_counter() - started
after_put = peak()
started = time.perf_counter()
expected = Blob()
for piece in store.chunks(cid.digest):
    assert piece == expected.read(MIB)
with store.open(cid) as file:
    file.seek((COUNT - 2) * MIB)
    assert len(file.read()) == 2 * MIB
read = time.perf_counter() - started
print(json.dumps({
    "cid": str(cid), "baseline": baseline, "put": after_put - baseline, "read": peak() - baseline,
    "put_s": put, "read_s": read,
}))
store.remove(cid)
store.close()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
@pytest.mark.parametrize(("kind", "mebibytes"), [("folder", 1024), ("kubo", 1024), ("replicas", 256)])
def test_a_gibibyte_is_put_and_read_within_64_mib_over_the_baseline(kind, mebibytes, request, tmp_path):
    address = str(tmp_path / "store")
    if kind == "kubo":
        address = request.getfixturevalue("own_kubo").address
    if kind == "replicas":
        address = f"{tmp_path / 'one'},{tmp_path / 'two'}"
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, address, str(mebibytes)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    print(kind, measured)
    assert measured["put"] <= LIMIT
    assert measured["read"] <= LIMIT
