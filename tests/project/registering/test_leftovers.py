"""What programs left behind in an artifact is found in its manifest, and nothing else is."""

from __future__ import annotations

import pytest

from mlver.project.registering.leftovers import find_leftovers

DIGEST = b"0" * 64


def build_manifest(*paths: bytes) -> bytes:
    return b"".join(DIGEST + b"  " + path + b"\n" for path in paths)


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        (b".DS_Store", (".DS_Store",)),
        (b"a/b/Thumbs.db", ("Thumbs.db",)),
        (b"__pycache__/net.pyc", ("__pycache__/",)),
        (b"a/.ipynb_checkpoints/b/c", (".ipynb_checkpoints/",)),
        (b"a.DS_Store", ()),
        (b".DS_Store/a", ()),
        (b"x__pycache__/a", ()),
        (b"__pycache__", ()),
        (b"a/desktop.ini.bak", ()),
    ],
)
def test_a_name_counts_whole(path: bytes, patterns: tuple[str, ...]) -> None:
    assert find_leftovers([None, build_manifest(b"a", path, b"z")]) == patterns


def test_each_pattern_is_proposed_once() -> None:
    manifests = [build_manifest(b".DS_Store", b"a/.DS_Store"), build_manifest(b".DS_Store")]
    assert find_leftovers(manifests) == (".DS_Store",)
