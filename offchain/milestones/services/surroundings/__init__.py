"""Ogmios, Kupo and the node: how they are found, and what Kupo is told to watch."""
