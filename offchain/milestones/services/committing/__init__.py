"""What becomes of signatures that are committed: their form, the quorum they count for, what is told."""
