"""The only package that talks to git: `process` starts it, `repository` reads, `changes` writes."""
