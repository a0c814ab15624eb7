#!/usr/bin/env bash
# Locks every dependency again: `make lock`, or `scripts/lock.sh --upgrade` to move to the newest versions allowed.
#
# All files under requirements/ hold exact versions and hashes and no registry's address: where packages come from is
# the business of the machine that installs them (pip's and npm's own configuration).
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    local output=$1
    shift
    scripts/uv.sh pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --constraint requirements/bootstrap.in "$@" --output-file "$output" >/dev/null
    printf '%s: %s packages\n' "$output" "$(grep -c '^[a-z0-9].*==' "$output")"
}

for name in bootstrap go node analysis; do
    lock "requirements/$name.txt" "$@" "requirements/$name.in"
done
lock requirements/dev.txt "$@" pyproject.toml --all-extras --group dev
npm install --package-lock-only --ignore-scripts
