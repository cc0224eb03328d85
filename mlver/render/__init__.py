"""A result in, text or JSON out: one module a command, drawn on a `Screen`. The only importer of rich."""
