#!/bin/sh
# Healthy: connected and in step with the network. Ogmios answers 200 then, 202 while the node catches
# up, 500 without a node; its own `health-check` is content with a connection.
url=${1:-http://127.0.0.1:1337}/health
wget -q -S -O /dev/null "$url" 2>&1 | grep -q 'HTTP/1\.[01] 200'
