"""One folder for each capability: `cli.py`, `screen.py` and what only its commands call."""
