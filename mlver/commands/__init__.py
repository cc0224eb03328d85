"""One function a command: `(Project, typed arguments) → frozen result`. Nothing here prints."""
