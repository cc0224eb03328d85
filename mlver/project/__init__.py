"""One repository put together: records, artifacts, tags, history, and the way to a change."""
