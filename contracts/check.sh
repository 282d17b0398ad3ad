#!/bin/sh
# Checks the contract: formatting, its own tests, and that the committed blueprint is exactly
# what the sources give, with the right hash of `vault` inside `registry`.
set -eu

cd "$(dirname "$0")"
AIKEN="${AIKEN:-aiken}"

"$AIKEN" fmt --check >&2
"$AIKEN" check --deny >&2

# build.sh would put a wrong constant right in aiken.toml: work on a copy, and compare both.
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
cp -R aiken.toml aiken.lock build.sh lib validators "$copy"
"$copy/build.sh" "$copy/plutus.json"
cmp "$copy/aiken.toml" aiken.toml
cmp "$copy/plutus.json" compiled/plutus.json
echo "the blueprint is what the sources give" >&2
