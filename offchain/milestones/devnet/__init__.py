"""The embedded chain: ledger rules, blocks, Ogmios and Kupo in one process."""
