"""Whoever signs: key files, phrases, and witnesses that are made elsewhere."""
