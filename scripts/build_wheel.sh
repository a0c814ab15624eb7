#!/usr/bin/env bash
# Builds the wheel into dist/, with the page that web/dist holds: scripts/build_wheel.sh
#
# The page goes into a copy of the sources, so that the clone keeps one page only and never serves an old one.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -s web/dist/index.html ]] || { echo "the page is not built: make web" >&2; exit 1; }

source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
git ls-files -z --cached --others --exclude-standard medrec_py pyproject.toml README.md |
    xargs -0 cp --parents -t "$source"
mkdir -p "$source/medrec_py/web/page"
cp -r web/dist/. "$source/medrec_py/web/page/"

mkdir -p dist
target=$PWD/dist
python=$PWD/.tools/uv/bin/python
(cd "$source" && "$python" -c "from setuptools import build_meta; print(build_meta.build_wheel('$target'))" 2>/dev/null)
