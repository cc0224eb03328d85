"""Records that correct what was registered, without changing it."""
