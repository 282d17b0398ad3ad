#!/bin/sh
# Builds the contract into compiled/plutus.json, or into the file given.
#
# Two passes, because `registry` knows the hashes of `vault` and `board`: the first finds them, and
# they go into aiken.toml as build constants, the second compiles all. `vault` and `board` read no
# constant, so their hashes are the same in both. Needs Aiken 1.1.24 and no network; repeats byte
# for byte.
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
hash_of() {
    sed -n '/"title": "'"$1"'\.'"$1"'\.'"$2"'"/,/"hash":/s/.*"hash": "\([0-9a-f]\{56\}\)".*/\1/p' "$OUT"
}

known_hash() {
    sed -n '/^\[config\.default\.'"$1"'\]/,/^encoding/s/^bytes = "\([0-9a-f]*\)"$/\1/p' aiken.toml
}

set_hash() {
    sed "/^\[config\.default\.$1\]/,/^encoding/s/^bytes = .*/bytes = \"$2\"/" aiken.toml > aiken.toml.new
    mv aiken.toml.new aiken.toml
}

build
vault="$(hash_of vault spend)"
board="$(hash_of board mint)"
[ "${#vault}" -eq 56 ] && [ "${#board}" -eq 56 ] || { echo "no hashes in $OUT" >&2; exit 1; }

if [ "$(known_hash vault)$(known_hash board)" != "$vault$board" ]; then
    set_hash vault "$vault"
    set_hash board "$board"
    build
fi

if [ "$(hash_of vault spend)$(hash_of board mint)" != "$vault$board" ] ||
    [ "$(known_hash vault)$(known_hash board)" != "$vault$board" ]; then
    echo "the hashes in aiken.toml are not the compiled ones" >&2
    exit 1
fi
echo "vault $vault, board $board" >&2
