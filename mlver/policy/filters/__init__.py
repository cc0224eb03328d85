"""The language of `--where`: which versions are asked for."""
