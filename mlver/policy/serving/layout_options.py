"""What the settings may say of a layout or of routes, key by key.

Settings come with the repository, so anybody may have written them, and their values go into files
that servers and builders read. A value therefore has one of the narrow forms below: none has a
quote, a space or the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.errors import MlverError, printable_name
from mlver.names import find_similar
from mlver.policy.serving.rendering import ServingOptions

# Where the settings are shown.
_HINT = "mlver config list"


@dataclass(frozen=True, slots=True)
class TextOption:
    """A text that matches `pattern` as a whole and is at most `longest` characters."""

    pattern: re.Pattern[str]
    example: str
    is_required: bool = False
    longest: int = 255

    def accepts(self, value: object) -> bool:
        """Whether this is such a text."""
        if not isinstance(value, str) or len(value) > self.longest:
            return False
        return self.pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class NumberOption:
    """A whole number from `lowest` to `highest`."""

    lowest: int
    highest: int
    example: str
    is_required: bool = False

    def accepts(self, value: object) -> bool:
        """Whether this is such a number; true and false are none."""
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.lowest <= value <= self.highest


LayoutOption = TextOption | NumberOption

_NAME_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
_IMAGE = rf"(?:{_HOST}/)?{_NAME_PART}(?:/{_NAME_PART})*"
_PATH_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+"

# The name under which the image of a version is built, without its tag.
IMAGE = TextOption(re.compile(_IMAGE), "ghcr.io/acme/digits")
# What an image is built from.
BASE = TextOption(
    re.compile(rf"{_IMAGE}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"),
    "ghcr.io/acme/digits-server:3",
    is_required=True,
    longest=400,
)
PORT = NumberOption(1, 65535, "8080")
# How long a proxy waits for a copy of a request to be answered.
SHADOW_SECONDS = NumberOption(1, 600, "2")
REPLICAS = NumberOption(0, 1000, "2")
# Quantities as Kubernetes has them, and a path that a probe asks for.
CPU = TextOption(re.compile(r"[1-9][0-9]{0,5}m?|0\.[0-9]{0,2}[1-9]"), "500m")
MEMORY = TextOption(re.compile(r"[1-9][0-9]{0,9}(?:[KMGT]i)?"), "512Mi")
HEALTH = TextOption(re.compile(rf"/(?:{_PATH_PART}/)*(?:{_PATH_PART})?"), "/health")
NAMESPACE = TextOption(re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"), "serving")
# A folder as a server or a container has it.
FOLDER = TextOption(re.compile(rf"(?:/{_PATH_PART})+"), "/models")
# Names of frameworks, servers and the like.
WORD = TextOption(re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?"), "onnx")
# Where requests for a target go: how their paths begin, and to which host.
PREFIX = TextOption(re.compile(rf"/|(?:/{_PATH_PART})+/?"), "/v1/digits")
_HOST_PART = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
ROUTED_HOST = TextOption(
    re.compile(rf"(?:\*\.)?{_HOST_PART}(?:\.{_HOST_PART})*"), "digits.example.org", longest=253
)
STORAGE = TextOption(
    re.compile(rf"(?:pvc|s3|gs|hdfs|webhdfs|https)://{_PATH_PART}(?:/{_PATH_PART})*"),
    "pvc://models/serving",
    is_required=True,
)


def read_options(
    name: str, options: ServingOptions, known: Mapping[str, LayoutOption], owner: str = "layout"
) -> dict[str, Any]:
    """The options of a layout, or of another `owner`, each in its form, and none besides.

    Raises MlverError naming the key.
    """
    for key, value in options.items():
        option = known.get(key)
        if option is None:
            raise _refuse_key(f"{owner} {name}", key, known)
        if not option.accepts(value):
            shown = printable_name(repr(value)[:100])
            raise MlverError(
                f"the option `{key}` of the {owner} {name} cannot be {shown}; write it like"
                f" `{key}: {option.example}`",
                hint=_HINT,
            )
    for key, option in known.items():
        if option.is_required and key not in options:
            raise MlverError(
                f"the {owner} {name} needs the option `{key}`, such as"
                f" `options: {{{key}: {option.example}}}`",
                hint=_HINT,
            )
    return dict(options)


def _refuse_key(owner: str, key: str, known: Mapping[str, LayoutOption]) -> MlverError:
    similar = find_similar(key, known)
    meant = f"; did you mean `{similar}`?" if similar else "."
    names = ", ".join(sorted(known)) or "none"
    return MlverError(
        f"the {owner} has no option `{printable_name(key)}`{meant} Its options are: {names}",
        hint=_HINT,
    )
