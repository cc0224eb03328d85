"""Stores that a team shares: blobs by key below, one object store over any of them above."""
