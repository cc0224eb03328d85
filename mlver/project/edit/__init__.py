"""Edits: what they plan, how they are carried out, and how an interrupted one is settled."""
