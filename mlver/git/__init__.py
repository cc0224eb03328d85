"""The only package that talks to git: `process` starts it, `repository` asks it, `changes` has it write."""
