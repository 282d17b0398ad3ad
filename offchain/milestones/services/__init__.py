"""One file per command: arguments in, result model out."""
