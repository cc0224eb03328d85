"""Reading records: from the work tree, from a commit, and tolerantly."""
