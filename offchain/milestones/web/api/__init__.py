"""The API, version 1: what can be asked, and how. `operations.py` has the whole list."""
