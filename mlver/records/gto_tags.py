"""The names of GTO's tags (https://github.com/iterative/gto).

`name@v1.2.3` registers a version, `name#stage` or `name#stage#4` assigns a stage to the version on
the same commit, and a `!` behind either takes it back. The number counts a model's tags.
"""

from __future__ import annotations

import re

GTO_TAG = re.compile(
    r"(?P<model>[^#@!]+)"
    r"(?:@v(?P<version>[^#!]+)|#(?P<stage>[^#@!]+))"
    r"(?P<cancel>!?)"
    r"(?:#(?P<count>[0-9]{1,9}))?"
)
