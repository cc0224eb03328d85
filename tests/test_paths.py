from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError, UsageError
from mlver.paths import join_inside, relative_to_root


@pytest.mark.parametrize(
    "hostile",
    [
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "",
        "a//b",
        "a/",
        "./a",
        "a/.",
        "a\0b",
        ".git/config",
        "a/.GIT/hooks/pre-commit",
        ".g\u200cit/config",
        b"\xff/../x",
    ],
)
def test_inside_refuses_what_leads_elsewhere(tmp_path: Path, hostile: str | bytes) -> None:
    with pytest.raises(MlverError) as caught:
        join_inside(tmp_path, hostile)
    assert caught.value.exit_code == 3  # nobody typed it: the repository brought it


def test_inside_joins_odd_but_honest_names(tmp_path: Path) -> None:
    for honest in ("a", "a/b c", "-rf", "a\\b", "...", ".gitignore", "a\nb"):
        assert join_inside(tmp_path, honest) == tmp_path / honest
    assert os.fsencode(join_inside(tmp_path, b"a/\xff")) == os.fsencode(tmp_path) + b"/a/\xff"


def test_inside_passes_through_no_symlink(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/last").symlink_to("/etc/passwd")
    for path in ("link/deep", "link", "real/last", "link/new"):
        with pytest.raises(MlverError, match="symlink"):
            join_inside(tmp_path, path)
    assert join_inside(tmp_path, "real/last", link_last=True) == tmp_path / "real/last"
    with pytest.raises(MlverError, match="symlink"):
        join_inside(tmp_path, "link/deep", link_last=True)
    assert join_inside(tmp_path, "real/new/er") == tmp_path / "real/new/er"


def test_checked_directories_are_not_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    checked: set[str] = set()
    join_inside(tmp_path, "a/b/c", checked=checked)
    assert checked == {"a", "a/b"}


@given(
    st.text(st.sampled_from("./a\0g\u200c") | st.characters(exclude_categories=["Cs"]), max_size=12)
)
def test_inside_never_leaves_the_root(text: str) -> None:
    root = Path("/nonexistent/root")
    try:
        path = join_inside(root, text)
    except MlverError:
        return
    assert os.path.normpath(path) == str(path)
    assert path.is_relative_to(root)
    assert path != root


def test_relative_names_files_as_the_repository_does(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    sub = tmp_path / "sub"
    assert relative_to_root(tmp_path, sub, "x/y") == "sub/x/y"
    assert relative_to_root(tmp_path, sub, "../x") == "x"
    assert relative_to_root(tmp_path, sub, tmp_path / "z") == "z"
    assert relative_to_root(tmp_path, sub, ".") == "sub"


@pytest.mark.parametrize(
    "given", ["..", "/etc", ".", "", ".git/config", ".mlver/config.yaml", "a/.git/x", "../other"]
)
def test_relative_refuses_what_is_no_artifact(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match=r"; (name|move)"):
        relative_to_root(tmp_path / "repo", tmp_path / "repo", given)


def test_relative_sees_a_root_reached_by_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "private/repo/sub").mkdir(parents=True)
    (tmp_path / "short").symlink_to("private")
    real, linked = tmp_path / "private/repo", tmp_path / "short/repo"
    for root in (real, linked):
        for cwd in (real / "sub", linked / "sub"):
            for base in (real, linked):
                assert relative_to_root(root, cwd, "x") == "sub/x"
                assert relative_to_root(root, cwd, base / "data") == "data"
                with pytest.raises(UsageError, match="whole repository"):
                    relative_to_root(root, cwd, base)


def test_relative_keeps_symlinks_within_the_repository(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("/etc")
    assert relative_to_root(tmp_path, tmp_path, "data/hosts") == "data/hosts"
