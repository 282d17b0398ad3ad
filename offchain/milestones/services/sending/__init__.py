"""The one spine of everything that leaves: who pays, what is built, signed, written down, sent, and its fate.

A command describes itself to `runner.perform`; nothing else submits a transaction.
"""
