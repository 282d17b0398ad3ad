"""From a draft to a block: who pays, what is signed and written down, and what became of it."""
