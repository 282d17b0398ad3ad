"""The Conway ledger's rules, pure, one rule a function."""
