"""What became of the tensors of weights, and how that is said in one sentence."""
