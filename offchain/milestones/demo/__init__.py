"""The whole story, told over services and the embedded chain."""
