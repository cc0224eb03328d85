"""Measuring versions again, on data sets that the settings pin."""
