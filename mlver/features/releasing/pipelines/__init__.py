"""Pipelines for a forge, from the templates beside this file. Nothing else is read or written."""
