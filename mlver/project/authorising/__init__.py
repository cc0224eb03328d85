"""What data sets may be used for: grants and withdrawals."""
