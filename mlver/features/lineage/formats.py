"""The formats in which a lineage is written."""

from __future__ import annotations

from enum import StrEnum


class LineageFormat(StrEnum):
    """What `--format` takes."""

    TREE = "tree"
    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"
    OPENLINEAGE = "openlineage"
    CYCLONEDX = "cyclonedx"


# These describe one version, for catalogues of other tools.
DOCUMENTS = (LineageFormat.OPENLINEAGE, LineageFormat.CYCLONEDX)
