#!/bin/sh
# Builds the contract with all its traces into the file given, for `milestones devnet profile`.
#
# One pass, unlike build.sh: `registry` keeps the hashes of the released `vault` and `board`, so that any
# of them can be run in place of the released one, on a transaction that names that. Nothing opens a
# distribution with it. Needs Aiken 1.1.24 and no network.
set -eu

FILE="${1:?give the file to write}"
case "$FILE" in
    /*) OUT="$FILE" ;;
    *) OUT="$PWD/$FILE" ;;
esac
cd "$(dirname "$0")"

rm -f "$OUT"
mkdir -p "$(dirname "$OUT")"
"${AIKEN:-aiken}" build --deny --trace-level verbose --out "$OUT" >&2
