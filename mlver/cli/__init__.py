"""The command line: one module a command, wired to its function and its screen. The only importer of typer."""
