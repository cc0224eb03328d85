"""What the files under `.mlver/` say, as frozen dataclasses: pure, no I/O, no YAML.

Each record builds from a document that has passed its schema (`from_document`) and gives one back
with its keys in the schema's order (`to_document`).
"""
