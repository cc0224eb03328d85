"""`mlver gc --yes` keeps the checkpoints of a series in parts, and no command can tell."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.retention.test_gc import age_files, age_trash, store_of
from tests.storage.local.helpers import flip_bit
from tests.storage.local.series import (
    MIB,
    make_series,
    make_tensors,
    nudge,
    write_checkpoint,
)

CHECKPOINTS = make_series(4, count=4)


def register_series(repository: Repository, checkpoints: Sequence[bytes] = CHECKPOINTS) -> None:
    """Register checkpoints as other 1.0.0, 1.1.0 and so on."""
    for number, content in enumerate(checkpoints):
        repository.write("w.safetensors", content)
        arguments = ("--weights", "w.safetensors", "-m", "step", "--version", f"1.{number}.0")
        assert_works(repository, "register", "other", *arguments)


def is_whole(repository: Repository, content: bytes) -> bool:
    digest = Digest.of_bytes(content).hex
    return (store_of(repository) / "objects" / digest[:2] / digest[2:]).exists()


def list_parts(repository: Repository) -> list[Path]:
    """The tensors that are objects of their own."""
    objects = (store_of(repository) / "objects").glob("*/*")
    return sorted(path for path in objects if path.stat().st_size == MIB)


def collect(repository: Repository) -> dict[str, Any]:
    document: dict[str, Any] = read_document(repository.mlver("gc", "--yes", "--json"), "gc")
    return document


@pytest.fixture
def series(second: Repository) -> Repository:
    """With four versions, of which all but the first are kept in parts."""
    register_series(second)
    sharing = collect(second)["sharing"]
    assert sharing["files"] == 3
    assert sharing["stored"] == 3 * MIB
    assert [is_whole(second, content) for content in CHECKPOINTS] == [True, False, False, False]
    return second


def test_gc_and_du_say_what_was_saved(second: Repository) -> None:
    register_series(second)
    before = assert_works(second, "du")
    assert before.endswith("it would keep 3 files in parts that versions share\nnext: mlver gc\n")
    said = assert_works(second, "gc", "--yes")
    assert "are stored once: 3 files of 12.6 MB took 3.15 MB" in said
    document = read_document(second.mlver("du", "--json"), "du")
    assert 9 * MIB - 9000 < document["saved"] < 9 * MIB + 9000
    sizes = {version["version"]: version for version in document["versions"]}
    assert sizes["1.3.0"]["bytes"] == len(CHECKPOINTS[3])
    assert MIB <= sizes["1.3.0"]["own"] < 1.1 * MIB
    assert sizes["1.3.0"]["missing"] == 0
    after = assert_works(second, "du")
    assert "less are stored, because versions share tensors" in after
    assert "it would keep" not in after


def test_a_dry_run_says_which_files_would_be_kept_in_parts(second: Repository) -> None:
    """Each has four tensors of 1 MiB, of which one is another than before."""
    register_series(second)
    document = read_document(second.mlver("gc", "--json"), "gc")
    assert document["sharing"] is None
    found = document["preview"]["files"]
    assert [(file["version"], file["name"], file["equal"]) for file in found] == [
        (f"1.{number}.0", "weights", 3 * MIB) for number in (1, 2, 3)
    ]
    assert [file["bytes"] for file in found] == [len(content) for content in CHECKPOINTS[1:]]
    assert is_whole(second, CHECKPOINTS[1])
    said = " ".join(assert_works(second, "gc").split())
    assert (
        "3 files of 12.6 MB come after a version with the same tensors, and would be kept in parts"
        in said
    )
    assert "that frees at least 9.44 MB, as soon as the whole files leave the trash" in said
    assert said.endswith("next: mlver gc --yes")
    freed = sum(len(content) for content in CHECKPOINTS[1:]) - collect(second)["sharing"]["stored"]
    assert freed >= sum(file["equal"] for file in found)
    assert read_document(second.mlver("gc", "--json"), "gc")["preview"]["files"] == []


def test_a_dry_run_names_no_file_that_cannot_share_anything(second: Repository) -> None:
    """Its tensors have other names, or are of another size."""
    other = write_checkpoint({"else": bytes(3 * MIB)})
    register_series(second, [CHECKPOINTS[0], other, write_checkpoint({"else": bytes(2 * MIB)})])
    assert read_document(second.mlver("gc", "--json"), "gc")["preview"]["files"] == []


def test_a_dry_run_names_what_may_be_differences(second: Repository) -> None:
    """Of a new file whose version before is in parts, and of one before which all was nudged."""
    tensors = make_tensors(2, seed=7)
    nudged = [
        write_checkpoint({name: nudge(data, seed) for name, data in tensors.items()})
        for seed in (1, 2)
    ]
    register_series(second, [write_checkpoint(tensors), nudged[0]])
    (file,) = read_document(second.mlver("gc", "--json"), "gc")["preview"]["files"]
    assert (file["version"], file["equal"]) == ("1.1.0", 0)
    assert collect(second)["sharing"]["differences"] == 2
    second.write("w.safetensors", nudged[1])
    assert_works(second, "register", "other", "--bump", "minor", "-m", "step")
    (file,) = read_document(second.mlver("gc", "--json"), "gc")["preview"]["files"]
    assert (file["version"], file["equal"]) == ("1.2.0", 0)
    assert "as soon as" not in assert_works(second, "gc")


def test_a_dry_run_says_what_differences_would_take(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_series(second)
    monkeypatch.setitem(sys.modules, "numpy", None)
    said = assert_works(second, "gc")
    assert "mlver[insight]" in said
    assert "only a run tells" not in said


def test_a_version_in_parts_is_checked_out_verified_and_exported(series: Repository) -> None:
    for number in (1, 3):
        assert_works(series, "checkout", f"other@1.{number}.0")
        assert (series.path / "w.safetensors").read_bytes() == CHECKPOINTS[number]
    assert_works(series, "verify", "--all")
    assert_works(series, "doctor")
    out = series.path.parent / "out"
    assert_works(series, "export", "other@1.2.0", "--as", "directory", str(out))
    (exported,) = out.rglob("w.safetensors")
    assert exported.read_bytes() == CHECKPOINTS[2]


def test_versions_in_parts_are_compared_tensor_by_tensor(series: Repository) -> None:
    done = series.mlver("diff", "other@1.1.0", "other@1.2.0", "--weights")
    assert done.code == 0, done.err
    assert "not here" not in done.out + done.err
    assert "\u2248" not in done.out


def test_promote_makes_a_version_whole_first(series: Repository) -> None:
    assert_works(series, "promote", "other@1.2.0", "--to", "staging", "-m", "better")
    assert is_whole(series, CHECKPOINTS[2])
    assert collect(series)["sharing"]["files"] == 0
    assert is_whole(series, CHECKPOINTS[2])
    assert_works(series, "verify", "--all")


def test_what_has_held_a_stage_stays_whole(second: Repository) -> None:
    register_series(second, CHECKPOINTS[:2])
    assert_works(second, "promote", "other@1.1.0", "--to", "staging", "-m", "good")
    assert_works(second, "promote", "other@1.0.0", "--to", "staging", "-m", "no, back")
    assert collect(second)["sharing"]["files"] == 0
    assert is_whole(second, CHECKPOINTS[1])


def test_rollback_to_a_version_in_parts_restores_its_files(second: Repository) -> None:
    register_series(second, CHECKPOINTS[:3])
    for number in (1, 2):
        assert_works(second, "promote", f"other@1.{number}.0", "--to", "staging", "-m", "good")
    # As a clone has it, whose gc ran before the promotions came.
    promotions = second.path / ".mlver/models/other/stages"
    promotions.rename(second.path / "away")
    collect(second)
    (second.path / "away").rename(promotions)
    assert not is_whole(second, CHECKPOINTS[1])
    assert_works(second, "rollback", "other", "--stage", "staging", "--checkout", "-m", "bad")
    assert (second.path / "w.safetensors").read_bytes() == CHECKPOINTS[1]
    assert is_whole(second, CHECKPOINTS[1])


def test_nothing_that_a_part_is_read_from_is_ever_deleted(series: Repository) -> None:
    """The first version goes; what was kept of its tensors needs no file of it."""
    series.git("checkout", "--quiet", "--orphan", "fresh")
    for name in ("1.0.0", "1.1.0", "1.3.0"):
        (series.path / f".mlver/models/other/versions/{name}.yaml").unlink()
    series.git("add", "--all")
    series.git("commit", "--quiet", "-m", "Only the third")
    series.git("branch", "--quiet", "-D", "main")
    for tag in series.git("tag", "--list", "other@*").split():
        series.git("tag", "-d", tag)
    for name in series.git("for-each-ref", "--format=%(refname)", "refs/mlver").split():
        series.git("update-ref", "-d", name)
    series.git("reflog", "expire", "--expire=now", "--all")
    for number in range(3):
        age_files(store_of(series))
        collect(series)
        for place, folder in enumerate((store_of(series) / "trash").glob("20[!0]*")):
            folder.rename(folder.with_name(f"200{number}0{place + 1}01T000000Z"))
    assert not is_whole(series, CHECKPOINTS[2])
    assert is_whole(series, CHECKPOINTS[0])
    assert not list((store_of(series) / "trash").glob("*"))
    recipes = {path.parent.name + path.name for path in (store_of(series) / "recipes").glob("*/*")}
    # Every part of the second one is needed by the third one, so it may come back as well.
    assert recipes == {Digest.of_bytes(CHECKPOINTS[number]).hex for number in (0, 1, 2)}
    assert_works(series, "checkout", "other@1.2.0", "--force")
    assert (series.path / "w.safetensors").read_bytes() == CHECKPOINTS[2]


def test_a_whole_file_is_not_deleted_when_its_parts_are_damaged(series: Repository) -> None:
    age_trash(series)
    for path in list_parts(series):
        flip_bit(path, 1000)
    fates = {line["fate"]: line["count"] for line in collect(series)["lines"]}
    assert fates["restored"] == 3
    assert all(is_whole(series, content) for content in CHECKPOINTS)


def test_what_waits_is_deleted_once_its_time_is_over(series: Repository) -> None:
    age_trash(series)
    document = collect(series)
    assert document["freed"] == sum(len(content) for content in CHECKPOINTS[1:])
    assert_works(series, "verify", "--all")


def test_without_the_extra_equal_tensors_are_shared_and_one_line_says_so(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_series(second)
    monkeypatch.setitem(sys.modules, "numpy", None)
    said = assert_works(second, "gc", "--yes")
    assert "are stored once: 3 files of 12.6 MB took 3.15 MB" in said
    assert "tensors that changed a little are stored whole" in said
    assert "mlver[insight]" in said


def test_damage_in_a_part_is_found_and_refused(series: Repository) -> None:
    shutil.rmtree(store_of(series) / "trash")
    for path in list_parts(series):
        flip_bit(path, 1000)
    assert_refused(series, "checkout", "other@1.2.0", "--force")
    done = series.mlver("verify", "--all")
    assert done.code == 1
    assert "cannot be put together from its parts" in done.out
    assert list_parts(series) == []
    assert_refused(series, "checkout", "other@1.2.0", "--force")
    assert_works(series, "checkout", "other@1.0.0", "--force")


def test_a_push_sends_equal_tensors_once(second: Repository, tmp_path: Path) -> None:
    register_series(second)
    folder = tmp_path / "remote"
    assert_works(second, "remote", "add", "storage", str(folder), "--init")
    assert_works(second, "push", "--objects")
    sent = sum(path.stat().st_size for path in (folder / "parts").rglob("*") if path.is_file())
    assert sent < len(CHECKPOINTS[0]) + 3.1 * MIB


def test_a_recipe_of_a_newer_mlver_ends_it(series: Repository) -> None:
    age_trash(series)
    collect(series)
    digest = Digest.of_bytes(CHECKPOINTS[3]).hex
    path = store_of(series) / "recipes" / digest[:2] / digest[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"plain"', b'"zpaq"'))
    parts = list_parts(series)
    age_files(store_of(series))
    for arguments in (("gc",), ("gc", "--yes")):
        assert "written by a newer mlver" in assert_refused(series, *arguments)
    assert list_parts(series) == parts


def test_a_promotion_that_cannot_be_read_ends_it_before_anything_is_moved(
    series: Repository,
) -> None:
    series.write(".mlver/models/other/stages/staging/0001.yaml", "schema: mlver/promotion/1\n")
    age_trash(series)
    trash = sorted((store_of(series) / "trash").rglob("*"))
    assert "staging/0001.yaml" in assert_refused(series, "gc", "--yes")
    assert sorted((store_of(series) / "trash").rglob("*")) == trash
