"""Approvals: a person's recorded yes to a version for a stage, and how it is taken back."""
