"""Files that make a proxy send a candidate its share of the requests: one module a proxy."""
