#!/bin/sh
# Healthy: Kupo has read what the node has, and the last block is recent: level with a node that is itself
# catching up is not enough, and Kupo answers 200 while it is an hour behind. Ten minutes without any block
# do not happen on a network that works (one comes every 20 seconds on average).
url=${1:-http://127.0.0.1:1442}/health
newest=600
answer=$(wget -q -S -O - --header 'Accept: application/json' "$url" 2>&1) || exit 1
printf '%s\n' "$answer" | grep -q 'HTTP/1\.[01] 200' || exit 1
field() { printf '%s\n' "$answer" | sed -n 's/.*"'"$1"'": *\([0-9][0-9]*\).*/\1/p'; }
age=$(field seconds_since_last_block)
[ -n "$age" ] && [ "$age" -le "$newest" ] || exit 1
read=$(field most_recent_checkpoint)
tip=$(field most_recent_node_tip)
[ -n "$read" ] && [ -n "$tip" ] && [ $((tip - read)) -le "$newest" ]
