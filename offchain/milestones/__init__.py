"""Milestone payouts on Cardano that nobody has to trust anybody for."""

__version__ = "0.1.0"
