"""What travels between clones: bytes by remotes, records and seals by git."""
