"""Logs of what versions answered while they served."""
