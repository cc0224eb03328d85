"""What has no place in git, told by a file's size, name and first bytes."""

from __future__ import annotations

import pytest

from mlver.features.hooks.guarding import GuardedFile, judge_artifact, judge_file
from mlver.policy.staged_files import SMALL_FILE_BYTES
from mlver.records.sections.guard import GuardSettings

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % (b"ab" * 32)
FORBID = GuardSettings(pickle="forbid")


def kinds(
    path: str, head: bytes, settings: GuardSettings, *, size: int | None = None, artifact: str = ""
) -> list[str]:
    file = GuardedFile(
        path=path, size=len(head) if size is None else size, head=head, artifact=artifact or None
    )
    return [link.kind for link in judge_file(file, settings)]


def test_what_is_too_large_is_refused_whatever_it_is() -> None:
    settings = GuardSettings(max_file_size=SMALL_FILE_BYTES)
    assert kinds("data.csv", b"", settings, size=SMALL_FILE_BYTES) == []
    assert kinds("data.csv", b"", settings, size=SMALL_FILE_BYTES + 1) == ["size"]
    assert (
        kinds(
            "docs/a/b.png",
            b"",
            GuardSettings(max_file_size=SMALL_FILE_BYTES, allow=("docs/*.png",)),
            size=10**9,
        )
        == []
    )


def test_an_artifact_is_refused_however_small_it_is() -> None:
    assert kinds("model/w", b"\0", GuardSettings(), artifact="weights of m") == ["artifact"]
    assert kinds(
        "model/w", b"a", GuardSettings(), size=SMALL_FILE_BYTES + 1, artifact="weights of m"
    ) == ["artifact"]
    assert kinds("model/config.json", b"{}", GuardSettings(), artifact="weights of m") == [
        "artifact"
    ]
    allowed = GuardSettings(allow=("model/*.json",))
    assert kinds("model/config.json", b"{}", allowed, artifact="weights of m") == []
    assert kinds("model/.gitignore", b"/w\n", GuardSettings(), artifact="weights of m") == []
    dvc = b"outs:\n- md5: %s\n  size: 1\n  path: w\n" % (b"ab" * 16)
    assert kinds("model/w.dvc", dvc, GuardSettings(), artifact="weights of m") == []
    assert kinds("other", b"\0", GuardSettings()) == []


def test_a_pickle_is_refused_where_it_is_forbidden_unless_git_lfs_keeps_it() -> None:
    assert kinds("a.pkl", b"x", FORBID) == ["pickle"]
    assert kinds("a.pkl", b"x", GuardSettings()) == []
    assert kinds("a.pkl", POINTER, FORBID, artifact="weights of m") == []
    assert kinds("a.pkl", POINTER + b"\0" * 2000, FORBID) == ["pickle"]


@pytest.mark.parametrize(
    ("path", "told", "files", "refused"),
    [
        ("m.pkl", None, [], True),
        ("m", "pickle", [], True),
        ("m", "joblib", [], True),
        ("m", "pytorch", ["a/b.pkl"], True),
        ("m.safetensors", "safetensors", ["config.json"], False),
    ],
)
def test_nor_may_a_record_pin_one(
    path: str, told: str | None, files: list[str], refused: bool
) -> None:
    assert bool(judge_artifact("r.yaml", path, told, files, FORBID)) == refused
    assert not judge_artifact("r.yaml", path, told, files, GuardSettings())
    assert not judge_artifact(
        "r.yaml", path, told, files, GuardSettings(pickle="forbid", allow=("m*",))
    )
