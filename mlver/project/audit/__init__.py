"""What judges records and promotions, for `verify` and the hooks alike."""
