"""The names of files and folders that mlver gives: of models, stages, versions and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlver import names
from mlver.errors import UsageError
from mlver.version import Version, parse_canonical

_SEQUENCE = re.compile(r"[0-9]{4,9}")


def is_model_name(name: str) -> bool:
    return _is_accepted(names.check_model, name)


def is_stage_name(name: str) -> bool:
    return _is_accepted(names.check_stage, name)


def is_target_name(name: str) -> bool:
    return _is_accepted(names.check_target, name)


def parse_version_name(name: str) -> Version | None:
    """The version a record's file is named after, without its `.yaml`.

    None where it is not written as mlver does.
    """
    return parse_canonical(name)


def parse_sequence(name: str) -> int | None:
    """The number a record's file is named after, without its `.yaml`: four digits, more where there
    are more.
    """
    if not _SEQUENCE.fullmatch(name):
        return None
    number = int(name)
    # `00012` would be a second name of the same number.
    if number == 0 or f"{number:04d}" != name:
        return None
    return number


def _is_accepted(check: Callable[[str], str], name: str) -> bool:
    try:
        check(name)
    except UsageError:
        return False
    return True
