"""Shares of a stage's traffic, as the records tell them."""
