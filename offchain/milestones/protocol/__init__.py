"""The contract seen from off chain: datums, redeemers, ids, addresses, the announced schedule."""
