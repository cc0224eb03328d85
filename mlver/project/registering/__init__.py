"""Registering a version."""
