"""Keys, signing, and assembling transactions, hostile ones too. The only room that imports pycardano."""
