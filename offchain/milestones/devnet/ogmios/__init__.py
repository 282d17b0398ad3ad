"""Ogmios' WebSocket and HTTP interface over the chain."""
