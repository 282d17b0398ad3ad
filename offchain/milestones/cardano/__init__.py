"""The ledger's vocabulary: addresses, values, Plutus Data, CBOR, slots and time. No I/O."""
