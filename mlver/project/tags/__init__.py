"""Tags that seal records: read, planned, and those that are missing."""
