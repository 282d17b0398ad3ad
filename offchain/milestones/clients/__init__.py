"""Typed clients of Ogmios and Kupo, without policy."""
