#!/usr/bin/env bash
# Brings this folder into working order, once: scripts/setup.sh [demo|all|STAGE…]
#
#   demo   what `make demo` needs: the Python environment, nothing else
#   web    what builds and serves the patient's page: the Python environment and Node's packages
#   all    everything that tests, checks and benchmarks need (the default)
#
# Stages: python (.venv), analysis (.venv-analysis: halmos, slither), node (node_modules, and links to anvil, forge, cast
# and solc in .tools/bin), kubo (.tools/bin/ipfs), browser (Debian's Chromium and fonts). Each writes a stamp with the
# hash of all it was made from, so that a repeated run does nothing and a changed lock file redoes just its own stage. A
# stage is done in place: an environment that exists is brought to the lock file's state, never thrown away, because
# somebody may be working in it.
#
# Nothing is downloaded but packages, through pip, uv, npm, Go and apt as this machine has them configured.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly NODE_OLDEST=20        # ipfs-unixfs-importer and the web page's build want it
readonly PYTHON_OLDEST=3.11    # pyproject.toml: requires-python
readonly LOGS=.tools/log
mkdir -p .tools/bin .tools/stamps "$LOGS"

say() { printf 'set-up: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The newest of the versions "$@".
newest() { printf '%s\n' "$@" | sort --version-sort | tail -n 1; }
at_least() { [[ $(newest "$1" "$2") == "$1" ]]; }

# ── what the operating system has to give ────────────────────────────────────────────────────────────────────────────

# Installs Debian packages, only when something is missing: a machine that has all of it never calls apt.
apt_install() {
    command -v apt-get >/dev/null || die "missing: $*. Install them with this system's package manager, then run again."
    local as_root=()
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || die "missing: $*. As root: apt-get install $*"
        as_root=(sudo)
    fi
    say "installing with apt: $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive bash -c '
        apt-get install --yes --no-install-recommends "$@" 2>/dev/null ||
        { apt-get update && apt-get install --yes --no-install-recommends "$@"; }' _ "$@" >"$LOGS/apt.log" 2>&1 ||
        { tail -n 20 "$LOGS/apt.log" >&2; die "apt could not install $*"; }
}

find_python() {
    local name
    for name in "${MEDREC_PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14; do
        if command -v "$name" >/dev/null && "$name" -c \
            "import sys, venv, ensurepip; sys.exit(sys.version_info < tuple(map(int, '$PYTHON_OLDEST'.split('.'))))" \
            2>/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
    return 1
}

system_packages() {
    local missing=()
    find_python >/dev/null || missing+=(python3 python3-venv)
    command -v git >/dev/null || missing+=(git)
    # Only Debian keeps the authorities in this package; elsewhere they come with the system.
    if command -v apt-get >/dev/null && [[ ! -s ${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt} ]]; then
        missing+=(ca-certificates)
    fi
    if ((${#missing[@]})); then
        apt_install "${missing[@]}"
    fi
    find_python >/dev/null || die "no Python $PYTHON_OLDEST or newer with venv; name one with MEDREC_PYTHON=/path/to/python3"
}

# Tests of the index on PostgreSQL start a server of their own and are skipped where there is none: Debian has one, and
# it is no reason to stop when it can't be had. Nothing is started by installing it.
optional_packages() {
    if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
        return
    fi
    if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    (apt_install postgresql) || say "no PostgreSQL: its tests will be skipped"
}

# What tests look at the page with: Chromium as Debian builds it, Latin letters and Chinese characters that don't come out
# as boxes. Where it can't be had, those tests are skipped and say so.
make_browser() {
    local missing=()
    chromium_program >/dev/null || missing+=(chromium)
    if command -v apt-get >/dev/null; then
        [[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]] || missing+=(fonts-dejavu-core)
        # The smallest of Debian's fonts with Chinese; any other that is there will do.
        { command -v fc-list >/dev/null && [[ -n $(fc-list :lang=zh family) ]]; } || missing+=(fonts-wqy-microhei)
    fi
    if ((${#missing[@]})) && ! (apt_install "${missing[@]}"); then
        echo "no ${missing[*]}: tests of the page in a browser will be skipped, or their pictures lack characters"
    fi
}

chromium_program() { command -v chromium || command -v chromium-browser; }

# ── stamps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

digest() { cat "$@" | sha256sum | cut -c1-64; }

# run_stage NAME STAMP KEY: runs make_NAME unless STAMP holds KEY; its output goes to a log, shown when it fails.
run_stage() {
    local name=$1 stamp=$2 key=$3 begun=$SECONDS
    if [[ -e $stamp && $(<"$stamp") == "$key" ]]; then
        return
    fi
    say "$name …"
    # In the background, because bash forgets `set -e` in whatever it runs as a condition.
    "make_$name" >"$LOGS/$name.log" 2>&1 &
    if ! wait "$!"; then
        tail -n 30 "$LOGS/$name.log" >&2
        die "$name failed; the whole output is in $LOGS/$name.log"
    fi
    printf '%s' "$key" >"$stamp"
    say "$name done in $((SECONDS - begun)) s"
}

# ── uv, which installs everything for Python ─────────────────────────────────────────────────────────────────────────

make_uv() {
    [[ -x .tools/uv/bin/python ]] || "$(find_python)" -m venv --clear .tools/uv
    .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements/bootstrap.txt
}

# sync ENVIRONMENT LOCK: exactly what the lock file says, by hash; what is not in it goes.
sync() {
    local environment=$1 lock=$2
    if ! "$environment/bin/python" -c '' 2>/dev/null; then
        # Missing, or its interpreter is gone from this machine.
        "$(find_python)" -m venv --clear --without-pip "$environment"
    fi
    # A few packages come as source only: they are built with the setuptools that is locked, by hash.
    scripts/uv.sh pip sync --python "$environment/bin/python" --require-hashes \
        --build-constraints requirements/bootstrap.txt "$lock"
}

# ── the stages ───────────────────────────────────────────────────────────────────────────────────────────────────────

make_python() {
    sync .venv requirements/dev.txt
    scripts/uv.sh pip install --python .venv/bin/python --no-deps --build-constraints requirements/bootstrap.txt \
        --editable .
}

make_analysis() {
    sync .venv-analysis requirements/analysis.txt
}

# Node from this machine when it is recent enough, else the one that PyPI carries, locked by hash. Prints its folder.
node_folder() {
    local version
    if version=$(node --version 2>/dev/null) && at_least "${version#v}" "$NODE_OLDEST" && command -v npm >/dev/null; then
        dirname "$(command -v node)"
        return
    fi
    if [[ ! -x .tools/node/bin/npm ]]; then
        "$(find_python)" -m venv --clear --without-pip .tools/node
        scripts/uv.sh pip sync --quiet --python .tools/node/bin/python --require-hashes requirements/node.txt
    fi
    printf '%s' "$PWD/.tools/node/bin"
}

link() { ln -sfn "$2" ".tools/bin/$1"; }

make_node() {
    local folder tool binary
    folder=$(node_folder)
    if [[ $folder == "$PWD/.tools/node/bin" ]]; then
        # forge and ape start tools/solc.mjs, which asks the PATH for node: Makefile puts .tools/bin first there.
        link node ../node/bin/node
        link npm ../node/bin/npm
    fi
    # `npm ci` begins by deleting everything, so it runs only when something differs. No package may run code while it is
    # installed, and none here needs to.
    PATH=$folder:$PATH node tools/npm-installed.mjs || PATH=$folder:$PATH npm ci --ignore-scripts
    for tool in anvil forge cast; do
        binary=$(find node_modules/@foundry-rs/"$tool"-*/bin -name "$tool" -type f 2>/dev/null | head -n 1)
        if [[ -n $binary ]]; then
            link "$tool" "../../$binary"
        elif binary=$(other_on_path "$tool"); then
            link "$tool" "$binary"
        else
            echo "npm carries no $tool for this machine ($(uname -sm)): put one on PATH and run again." >&2
            return 1
        fi
    done
    link solc ../../tools/solc.mjs
    # py-solc-x, and so ape, looks for compilers by this name in the folder that SOLCX_BINARY_PATH names.
    mkdir -p .tools/solcx
    ln -sfn ../../tools/solc.mjs ".tools/solcx/solc-v$(solc_version)"
    PATH=$PWD/.tools/bin:$folder:$PATH
    anvil --version
    solc --version
}

solc_version() { sed -n 's/^ *"solc": "\([0-9.]*\)".*/\1/p' package.json; }

# The program "$1" on PATH that is not one of our own links.
other_on_path() {
    local found
    while read -r found; do
        if [[ $(realpath "$(dirname "$found")") != "$PWD/.tools/bin" ]]; then
            printf '%s' "$found"
            return
        fi
    done < <(type -aP "$1")
    return 1
}

# Go from this machine when it can build Kubo, else the one that PyPI carries, locked by hash.
go_program() {
    local wanted version
    wanted=$(sed -n 's/^go //p' tools/kubo/go.mod)
    if version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) && at_least "${version#go}" "$wanted"; then
        command -v go
        return
    fi
    if [[ ! -x .tools/go/bin/python ]]; then
        "$(find_python)" -m venv --clear --without-pip .tools/go
    fi
    scripts/uv.sh pip sync --quiet --python .tools/go/bin/python --require-hashes requirements/go.txt
    find "$PWD/.tools/go" -path '*/bin/go' -type f | head -n 1
}

make_kubo() {
    local found program
    if found=$(other_on_path ipfs) && "$found" version --number >/dev/null 2>&1; then
        echo "taking $found, version $("$found" version --number)"
        link ipfs "$found"
        return
    fi
    program=$(go_program)
    # Pure Go: needs no C compiler, and the program runs on any Linux.
    CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local "$program" build -C tools/kubo -trimpath -ldflags='-s -w' \
        -o "$PWD/.tools/ipfs.new" github.com/ipfs/kubo/cmd/ipfs
    .tools/ipfs.new version
    # A rename, so that a daemon that runs from the old file goes on undisturbed.
    mv -f .tools/ipfs.new .tools/bin/ipfs
}

# ── which of them, and when ──────────────────────────────────────────────────────────────────────────────────────────

main() {
    local wanted=("$@") stage children=() failed=0 everything=
    [[ ${#wanted[@]} -gt 0 ]] || wanted=(all)
    case "${wanted[*]}" in
    demo) wanted=(python) ;;
    web) wanted=(python node) ;;
    all) wanted=(kubo python node analysis browser) everything=1 ;; # Kubo first: it takes longest
    esac
    for stage in "${wanted[@]}"; do
        [[ $stage =~ ^(python|analysis|node|kubo|browser)$ ]] || die "no stage is called $stage; see the head of scripts/setup.sh"
    done

    # Two set-ups of one folder at the same time would undo each other's work.
    if command -v flock >/dev/null; then
        exec 9>.tools/setup.lock
        flock --nonblock 9 || { say "waiting for another set-up of this folder"; flock 9; }
    fi

    local self
    self=$(digest scripts/setup.sh scripts/uv.sh)
    declare -A keys=(
        [python]=$(digest requirements/bootstrap.txt requirements/dev.txt pyproject.toml)
        [analysis]=$(digest requirements/bootstrap.txt requirements/analysis.txt)
        [node]=$(digest package.json web/package.json package-lock.json .npmrc tools/solc.mjs tools/npm-installed.mjs requirements/node.txt)
        [kubo]=$(digest tools/kubo/go.mod tools/kubo/go.sum requirements/go.txt)
        # What apt couldn't give is tried again once this stamp is deleted.
        [browser]=$(chromium_program || echo none)
    )
    # A stamp lies inside what it speaks of, so that deleting the one deletes the other.
    declare -A stamps=(
        [python]=.venv/.set-up [analysis]=.venv-analysis/.set-up [node]=node_modules/.set-up [kubo]=.tools/stamps/kubo
        [browser]=.tools/stamps/browser
    )
    [[ -x .tools/bin/ipfs ]] || rm -f "${stamps[kubo]}"

    local todo=()
    for stage in "${wanted[@]}"; do
        if [[ ! -e ${stamps[$stage]} || $(<"${stamps[$stage]}") != "${keys[$stage]}$self" ]]; then
            todo+=("$stage")
        fi
    done
    [[ ${#todo[@]} -gt 0 ]] || return 0

    system_packages
    if [[ -n $everything ]]; then optional_packages; fi
    run_stage uv .tools/uv/.set-up "$(digest requirements/bootstrap.txt)"
    for stage in "${todo[@]}"; do
        run_stage "$stage" "${stamps[$stage]}" "${keys[$stage]}$self" &
        children+=($!)
    done
    for stage in "${children[@]}"; do
        wait "$stage" || failed=1
    done
    return "$failed"
}

main "$@"
