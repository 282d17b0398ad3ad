#!/bin/sh
# Checks the contract: formatting, its own tests, and that the committed blueprint is exactly
# what the sources give, with the right hashes of `vault` and `board` inside `registry`.
set -eu

cd "$(dirname "$0")"
AIKEN="${AIKEN:-aiken}"

"$AIKEN" fmt --check >&2
report="$(mktemp)"
trap 'rm -rf "$report"' EXIT
"$AIKEN" check --deny > "$report" || { cat "$report" >&2; exit 1; }
# What is refused because a test has no signature to show proves nothing (lib/scene/signing.ak).
if grep "no signature" "$report" >&2; then
    exit 1
fi

# build.sh would put a wrong constant right in aiken.toml: work on a copy, and compare both.
copy="$(mktemp -d)"
trap 'rm -rf "$report" "$copy"' EXIT
cp -R aiken.toml aiken.lock build.sh lib validators "$copy"
"$copy/build.sh" "$copy/plutus.json"
cmp "$copy/aiken.toml" aiken.toml
cmp "$copy/plutus.json" compiled/plutus.json
echo "the blueprint is what the sources give" >&2

# The treasury that tests make a creator: what they run is what stands beside it to be read.
support=../offchain/tests/support
rm "$copy"/validators/*
cp "$support/treasury.ak" "$copy/validators"
(cd "$copy" && "$AIKEN" build --trace-level silent --out treasury.json >&2)
compiled="$(sed -n 's/.*"compiledCode": "\([0-9a-f]*\)".*/\1/p' "$copy/treasury.json" | head -n 1)"
[ -n "$compiled" ] && grep -q "\"$compiled\"" "$support/treasury.json" || {
    echo "treasury.json is not what treasury.ak gives" >&2
    exit 1
}
