"""Stores that a team shares: blobs by key below, one team store over any of them above."""
