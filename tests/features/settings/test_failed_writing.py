"""Where the last step of writing settings fails, what is said is what the file holds."""

from __future__ import annotations

import errno
from collections.abc import Iterable

import pytest

from mlver.system import durable
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

WORDS = ("config", "set", "guard.pickle", "forbid")


def test_a_file_that_is_replaced_and_not_synced_is_called_changed(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "sync_directories", fail)
        said = assert_refused(first, *WORDS)
    assert ".mlver/config.yaml is changed, but a power cut may take that back" in said
    assert assert_works(first, "config", "get", "guard.pickle") == "forbid\n"


def test_a_file_that_was_not_replaced_is_called_unchanged(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Iterable[object], **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "replace_group", fail)
        said = assert_refused(first, *WORDS)
    assert "nothing was changed" in said
    assert assert_works(first, "config", "get", "guard.pickle") == "allow\n"
