"""A release: what it pays, its transactions, and what is told of them."""
