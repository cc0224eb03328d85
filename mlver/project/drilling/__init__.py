"""Rollbacks that are rehearsed."""
