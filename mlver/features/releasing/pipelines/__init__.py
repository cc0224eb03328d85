"""Pipelines for a forge, from the templates beside this file; it reads those, and does nothing else."""
