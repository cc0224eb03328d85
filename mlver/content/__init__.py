"""Looks inside bytes, and at what files are called, without running anything."""
