"""The tables among a version's data sets, and files that are compared with them."""
