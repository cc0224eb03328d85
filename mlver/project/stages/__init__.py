"""Promotions and rollbacks."""
