"""Kupo's HTTP interface over an index of the chain."""
