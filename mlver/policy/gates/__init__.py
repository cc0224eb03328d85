"""The gates of stages, a file each; `mlver.policy.gates.table` lists them."""
