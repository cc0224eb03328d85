"""How good answers were, once the truth is known: sums that need no list of them."""
