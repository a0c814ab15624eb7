#!/usr/bin/env bash
# Runs one stage of a build and says how long it took: scripts/stage.sh "name" command argument…
set -uo pipefail
export LC_NUMERIC=C # a decimal point, whatever the language of the machine
name=$1
shift
printf '\n── %s\n' "$name"
begun=$EPOCHREALTIME
"$@"
code=$?
verdict=done
((code == 0)) || verdict="FAILED (exit code $code)"
printf '── %s: %s in %s s\n' "$name" "$verdict" "$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
exit "$code"
