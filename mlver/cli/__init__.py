"""The process: its entry points, its table of commands and its one error boundary."""
