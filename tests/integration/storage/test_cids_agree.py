"""The same bytes have the same CID in the folder, in Kubo, and in the JavaScript importer."""

import json
import shutil
import subprocess

import pytest

from medrec_py.storage import FolderStore, digest_of, open_store, unixfs
from medrec_py.storage.unixfs import build

MIB = 1 << 20
SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 64 * MIB, 300 * MIB]

pytestmark = [pytest.mark.servers, pytest.mark.slow]

IMPORTER = """
import { createReadStream } from 'node:fs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const [file, sizes, chunkSize, width] = process.argv.slice(2)
const nowhere = { put: async (cid) => cid, has: async () => false }
const found = []
for (const size of JSON.parse(sizes)) {
  const content = size === 0 ? [] : createReadStream(file, { end: size - 1, highWaterMark: 1 << 20 })
  for await (const entry of importer([{ content }], nowhere, {
    cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true, wrapWithDirectory: false,
    chunker: fixedSize({ chunkSize: Number(chunkSize) }), layout: balanced({ maxChildrenPerNode: Number(width) })
  })) found.push(entry.cid.toString())
}
console.log(JSON.stringify(found))
"""


@pytest.fixture(scope="module")
def javascript(repository, tmp_path_factory):
    """Computes CIDs of the first bytes of a file with ipfs-unixfs-importer, the reference in JavaScript."""
    node = shutil.which("node")
    if node is None or not (repository / "node_modules" / "ipfs-unixfs-importer").is_dir():
        pytest.skip("node or ipfs-unixfs-importer is not installed: run `npm ci`")
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "node_modules").symlink_to(repository / "node_modules")
    (folder / "importer.mjs").write_text(IMPORTER)

    def cids(file, sizes, chunk=MIB, width=1024):
        command = [node, "importer.mjs", str(file), json.dumps(sizes), str(chunk), str(width)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return cids


@pytest.fixture(scope="module")
def big_file(pseudo_random, tmp_path_factory):
    path = tmp_path_factory.mktemp("content") / "300MiB"
    with open(path, "wb") as file:
        shutil.copyfileobj(pseudo_random(max(SIZES)), file, MIB)
    return path


def test_the_folder_and_kubo_and_the_javascript_importer_find_the_same_cids(
    javascript, big_file, pseudo_random, own_kubo, tmp_path
):
    folder = FolderStore(tmp_path / "store")
    ours = [str(folder.put(pseudo_random(size))) for size in SIZES]
    with open_store(own_kubo.address) as kubo:
        theirs = [str(kubo.put(pseudo_random(size))) for size in SIZES]
    assert ours == theirs
    assert ours == javascript(big_file, SIZES)
    assert [build(pseudo_random(size)).cid.digest for size in SIZES] == [
        digest_of(pseudo_random(size)) for size in SIZES
    ]
    assert len(set(ours)) == len(SIZES)


def test_kubos_own_command_line_finds_the_same_cid_for_300_mib(big_file, own_kubo, pseudo_random):
    printed = own_kubo.node.run(
        "add", "-Q", "--only-hash", "--cid-version=1", "--chunker=size-1048576", "--max-file-links=1024", str(big_file)
    )
    assert printed.strip() == str(build(pseudo_random(max(SIZES))).cid)


def test_deep_trees_agree_too(javascript, kubo, pseudo_random, tmp_path, monkeypatch):
    """Chunks of 64 bytes and 3 links a node: trees of up to six levels, at and around each change of shape."""
    monkeypatch.setattr(unixfs, "CHUNK_BYTES", 64)
    monkeypatch.setattr(unixfs, "MAX_LINKS", 3)
    full = [64 * 3**level for level in range(1, 6)]
    sizes = sorted({size + more for size in full for more in (-65, -1, 0, 1, 64, 65, 64 * 4)})
    file = tmp_path / "content"
    file.write_bytes(pseudo_random(max(sizes)).read())
    ours = [str(build(pseudo_random(size)).cid) for size in sizes]
    assert ours == javascript(file, sizes, 64, 3)
    for size, cid in list(zip(sizes, ours, strict=True))[::3]:
        part = tmp_path / f"{size}"
        part.write_bytes(file.read_bytes()[:size])
        printed = kubo.node.run(
            "add", "-Q", "--only-hash", "--cid-version=1", "--chunker=size-64", "--max-file-links=3", str(part)
        )
        assert printed.strip() == cid


def test_a_nodes_own_import_settings_change_nothing(own_kubo, pseudo_random):
    """The layout is said with each request, so a node that is configured otherwise still makes the same CIDs."""
    settings = {
        "Import.CidVersion": 0,
        "Import.UnixFSRawLeaves": False,
        "Import.UnixFSChunker": "size-262144",
        "Import.UnixFSFileMaxLinks": 174,
        "Import.HashFunction": "blake2b-256",
    }
    node = own_kubo.node
    node.stop()
    for name, value in settings.items():
        node.run("config", "--json", name, json.dumps(value))
    node.start()
    with open_store(node.api_address) as kubo:
        for size in (0, 5, 3 * MIB):
            content = pseudo_random(size).read()
            assert kubo.put(content) == build(content).cid
            assert kubo.get(build(content).cid.digest) == content
