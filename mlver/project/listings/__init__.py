"""Data at an address, which never comes here: hashed where it can be read."""
