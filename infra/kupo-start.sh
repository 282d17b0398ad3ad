#!/bin/sh
# Starts Kupo with the patterns of KUPO_MATCH, but only while its database does not exist yet.
#
# Kupo keeps its patterns in the database and refuses to start with others than those it knows. Patterns
# are added while it runs (by `milestones init`), so a later start must name none at all.
set -eu
set -f # a pattern's * is not a file name

kupo=${KUPO_PROGRAM:-/bin/kupo}
set -- "$@" --since "$KUPO_SINCE"
if [ ! -e "$KUPO_WORKDIR/kupo.sqlite3" ]; then
  for pattern in $KUPO_MATCH; do
    set -- "$@" --match "$pattern"
  done
fi
exec "$kupo" "$@"
