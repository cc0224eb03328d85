from __future__ import annotations

import pytest

from mlver.content.pointers import find_hub_command, find_pointer

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 5000\n" % (b"ab" * 32)
ANNEX = b"/annex/objects/SHA256E-s1048576--%b.bin\n" % (b"cd" * 32)
DVC = b"outs:\n- md5: %b\n  size: 12345678\n  hash: md5\n  path: m.bin\n" % (b"ef" * 16)


@pytest.mark.parametrize(
    ("path", "data", "description", "command"),
    [
        ("m", LFS, "a git-lfs pointer to 5 kB that are not here", "git lfs pull"),
        ("m", ANNEX, "a git-annex pointer to 1.05 MB that are not here", "git annex get -- m"),
        ("m.dvc", DVC, "a DVC pointer to 12.3 MB that are not here", "dvc pull m.dvc"),
        ("a b.dvc", b"md5: x\nouts:\n- md5: x\n  path: m\n",
         "a DVC pointer to content that is not here", "dvc pull 'a b.dvc'"),
    ],
)  # fmt: skip
def test_a_pointer_is_told_with_the_command_that_fetches_the_content(
    path: str, data: bytes, description: str, command: str
) -> None:
    pointer = find_pointer(path, data)
    assert pointer is not None
    assert (pointer.description, pointer.hint) == (description, command)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("m", b""),
        ("m", LFS + b"x"),
        ("m", b"see " + LFS),
        ("m", LFS.replace(b"sha256", b"md5")),
        ("m", LFS[:-1] + b"0" * 1024),
        ("m", b"/annex/objects are where git-annex keeps them\n"),
        ("m.yaml", DVC),
        ("m.dvc", b"outs: none\n"),
    ],
)
def test_what_only_looks_like_a_pointer_is_content(path: str, data: bytes) -> None:
    assert find_pointer(path, data) is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/home/kim/.cache/huggingface/hub/models--org--net/blobs/0a", "hf download org/net"),
        ("x to /hub/datasets--a--b.c/snapshots/0 which", "hf download a/b.c --repo-type dataset"),
        ("models/v1--2", None),
    ],
)
def test_a_link_into_the_hub_cache_is_told_with_its_command(text: str, command: str | None) -> None:
    assert find_hub_command(text) == command
