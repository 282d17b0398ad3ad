"""What only the project's own tests need: hostile, random and hand-made transactions, wire formats."""
