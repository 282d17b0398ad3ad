#!/bin/sh
# Builds the contract into compiled/plutus.json, or into the file given.
#
# Two passes, because `registry` knows the hash of `vault`: the first finds the hash, which goes
# into aiken.toml as a build constant, the second compiles both. `vault` reads no constant, so
# its hash is the same in both. Needs Aiken 1.1.24 and no network; repeats byte for byte.
set -eu

cd "$(dirname "$0")"
AIKEN="${AIKEN:-aiken}"
OUT="${1:-compiled/plutus.json}"

build() {
    rm -f "$OUT"
    mkdir -p "$(dirname "$OUT")"
    "$AIKEN" build --deny --trace-level silent --out "$OUT" >&2
}

# The blueprint has one field a line; a validator's `title` comes before its `hash`.
vault_hash() {
    sed -n '/"title": "vault\.vault\.spend"/,/"hash":/s/.*"hash": "\([0-9a-f]\{56\}\)".*/\1/p' "$OUT"
}

known_hash() {
    sed -n '/^\[config\.default\.vault\]/,/^encoding/s/^bytes = "\([0-9a-f]*\)"$/\1/p' aiken.toml
}

build
hash="$(vault_hash)"
[ "${#hash}" -eq 56 ] || { echo "no hash of vault in $OUT" >&2; exit 1; }

if [ "$(known_hash)" != "$hash" ]; then
    sed "/^\[config\.default\.vault\]/,/^encoding/s/^bytes = .*/bytes = \"$hash\"/" aiken.toml > aiken.toml.new
    mv aiken.toml.new aiken.toml
    build
fi

if [ "$(vault_hash)" != "$hash" ] || [ "$(known_hash)" != "$hash" ]; then
    echo "the hash of vault in aiken.toml is not the compiled one" >&2
    exit 1
fi
echo "vault $hash" >&2
