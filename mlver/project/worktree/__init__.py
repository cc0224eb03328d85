"""What a training left in the work tree: values and environment."""
