#!/bin/bash
# Healthy: the node's own tip is the network's. CARDANO_NODE_SOCKET_PATH and CARDANO_NODE_NETWORK_ID say
# which node and network; the age of the tip gives `syncProgress`, a percentage.
set -o pipefail
cardano-cli query tip | grep -q '"syncProgress": "100.00"'
