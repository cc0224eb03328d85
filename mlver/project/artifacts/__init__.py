"""Artifacts: measured, stored, proven, repaired and put into the work tree."""
