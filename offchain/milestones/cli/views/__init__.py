"""How results look on a terminal: a module a family of commands, a function a result."""
