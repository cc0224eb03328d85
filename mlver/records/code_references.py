"""References that keep the code commits of versions: `refs/mlver/code/<model>/<version>`.

A squash or a rebase merge leaves such a commit in no branch, and git would drop it in the end.
"""

from __future__ import annotations

CODE_REFERENCES = "refs/mlver/code"


def name_code_reference(model: str, version: object) -> str:
    return f"{CODE_REFERENCES}/{model}/{version}"
