"""Whether the columns of a table moved: distances, how likely chance alone is, and the verdict."""
