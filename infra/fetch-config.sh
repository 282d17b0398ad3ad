#!/usr/bin/env bash
# Fetches a network's configuration and checks it:   ./fetch-config.sh preprod|preview|mainnet [--update]
#
# Three checks, in this order, before anything is put in place:
#   1. config.json must name the genesis hashes that are pinned in networks/<network>.pins; they say which
#      network this is and never change. Mithril's keys likewise, where a pin is known.
#   2. Each genesis file must have the hash that config.json gives (the Byron one, whose hash is not that
#      of its bytes, is checked by the node itself when it starts).
#   3. Every file must be what it was at the first fetch (config/<network>/SHA256SUMS, keep it in your own
#      version control). `--update` accepts new files, after 1 and 2, and shows what changed.
#
# Needs bash, curl, b2sum and sha256sum. CONFIG_URL and MITHRIL_URL replace the sources.
set -euo pipefail
cd "$(dirname "$0")"

die() { printf 'fetch-config: %s\n' "$*" >&2; exit 1; }

network=${1:-}
update=${2:-}
pins=networks/$network.pins
[[ $network =~ ^[a-z]+$ && -f $pins ]] || die "name a network: preprod, preview or mainnet"
[[ -z $update || $update == --update ]] || die "unknown option $update"

pin() { sed -n "s/^$1=//p" "$pins"; }

source_url=${CONFIG_URL:-https://book.play.dev.cardano.org/environments}/$network
mithril_url=${MITHRIL_URL:-https://raw.githubusercontent.com/IntersectMBO/mithril/main/mithril-infra/configuration}
mithril_url=$mithril_url/$(pin MithrilNetwork)
target=config/$network
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

fetch() { # <address> <file>
  curl --fail --silent --show-error --location --proto '=https,http' --max-time 120 \
    --output "$new/$2" "$1" || die "could not fetch $1"
}

value_of() { # <key> <file>: the text under a key of a JSON file, wherever it stands
  tr -d '\n' < "$new/$2" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"
}

for file in config topology byron-genesis shelley-genesis alonzo-genesis conway-genesis; do
  fetch "$source_url/$file.json" "$file.json"
done
# Named by config.json and topology.json only on some networks.
for pair in CheckpointsFile:config.json peerSnapshotFile:topology.json; do
  name=$(value_of "${pair%%:*}" "${pair##*:}")
  [[ -z $name ]] && continue
  [[ $name =~ ^[A-Za-z0-9._-]+$ ]] || die "${pair##*:} names a file outside its folder: $name"
  fetch "$source_url/$name" "$name"
done

# 1. Is this the network that it says it is?
for era in Byron Shelley Alonzo; do
  wanted=$(pin "${era}GenesisHash")
  named=$(value_of "${era}GenesisHash" config.json)
  [[ -n $wanted && $named == "$wanted" ]] \
    || die "config.json names another $era genesis ($named) than $network's ($wanted)"
done

# 2. Are the files the ones that config.json means?
check_b2() { # <expected> <file>
  local actual
  actual=$(b2sum --length=256 "$new/$2" | cut -d' ' -f1)
  [[ $actual == "$1" ]] || die "$2 has the hash $actual, config.json says $1"
}
for era in Shelley Alonzo Conway; do
  file=$(tr '[:upper:]' '[:lower:]' <<< "$era")-genesis.json
  [[ $(value_of "${era}GenesisFile" config.json) == "$file" ]] \
    || die "config.json names another file than $file"
  check_b2 "$(value_of "${era}GenesisHash" config.json)" "$file"
done
checkpoints=$(value_of CheckpointsFile config.json)
[[ -z $checkpoints ]] || check_b2 "$(value_of CheckpointsFileHash config.json)" "$checkpoints"

# Mithril's keys: what its snapshots are verified with.
for key in genesis ancillary; do
  fetch "$mithril_url/$key.vkey" "$key.vkey"
  value=$(tr -d '[:space:]' < "$new/$key.vkey")
  [[ $value =~ ^[0-9a-f]+$ ]] || die "$key.vkey is not a key"
  wanted=$(pin "Mithril_$key")
  [[ -z $wanted || $value == "$wanted" ]] || die "$key.vkey is not the pinned key of $network"
  printf '%s_VERIFICATION_KEY=%s\n' "$(tr '[:lower:]' '[:upper:]' <<< "$key")" "$value" >> "$new/mithril.env"
  rm "$new/$key.vkey"
done

# 3. Is it what we had?
(cd "$new" && sha256sum -- * > SHA256SUMS)
if [[ -f $target/SHA256SUMS ]] && ! diff "$target/SHA256SUMS" "$new/SHA256SUMS" > "$new/difference"; then
  cat "$new/difference" >&2
  [[ $update == --update ]] || die "files changed since the first fetch; look at them, then use --update"
fi
rm -f "$new/difference"
mkdir -p "$target"
find "$target" -maxdepth 1 -type f ! -name SHA256SUMS -delete
cp "$new"/* "$target"/
printf 'fetch-config: %s is in infra/%s\n' "$network" "$target"
