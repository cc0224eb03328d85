"""What history tells of records: stages, parents, and renumbered records."""
