"""Keys and the encrypted file format of everything that Vigilar records."""
