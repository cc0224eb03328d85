"""Processes that another process started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlver.system.children import list_children


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_the_children_of_a_process_are_listed() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in list_children(os.getpid())
        assert list_children(child.pid) == []
        child.kill()


def test_a_process_that_is_gone_has_none() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    assert list_children(child.pid) == []
