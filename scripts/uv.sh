#!/usr/bin/env bash
# uv, told what pip is configured to on this machine, which uv itself does not read: scripts/uv.sh pip compile …
set -euo pipefail
home=$(dirname "$(dirname "$(realpath "$0")")")/.tools/uv/bin

configured() { "$home/python" -m pip config get "global.$1" 2>/dev/null || true; }

if [[ -z ${UV_DEFAULT_INDEX:-} ]]; then
    index=${PIP_INDEX_URL:-$(configured index-url)}
    if [[ -n $index ]]; then export UV_DEFAULT_INDEX=$index; fi
fi
if [[ -z ${SSL_CERT_FILE:-} ]]; then
    certificate=${PIP_CERT:-$(configured cert)}
    if [[ -n $certificate ]]; then export SSL_CERT_FILE=$certificate; fi
fi
# The authorities of the system, not uv's own list: a network may have one of its own.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1} UV_NO_PROGRESS=1
exec "$home/uv" "$@"
