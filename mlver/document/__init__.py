"""Bytes ↔ document ↔ schema: the only place that knows YAML and JSON Schema."""
