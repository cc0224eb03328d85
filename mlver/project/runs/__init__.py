"""Trainings that are recorded, whether or not a version comes of them."""
