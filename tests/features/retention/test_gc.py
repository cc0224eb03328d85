"""`mlver gc`: what anything leads to stays; the rest goes after a grace time, and comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.profile import TableProfile
from mlver.records.tensors import KeptTensors
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

LOST = b"only of a version that nothing leads to " * 60_000
LOST_DIGEST = Digest.of_bytes(LOST)
_DAY = 24 * 3600


def age_files(folder: Path, days: int = 20) -> None:
    """Let the files of a folder be some days older than they are."""
    moment = time.time() - days * _DAY
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "lock":
            os.utime(path, (moment, moment))


def age_trash(repository: Repository) -> None:
    """Let what is in the trash have been there for long."""
    for folder in (store_of(repository) / "trash").iterdir():
        folder.rename(folder.with_name("20200101T000000Z"))


def store_of(repository: Repository) -> Path:
    return repository.path / ".git/mlver"


def count_fates(repository: Repository, *options: str) -> dict[str, int]:
    document = read_document(repository.mlver("gc", "--json", *options), "gc")
    return {line["fate"]: line["count"] for line in document["lines"]}


def register_lost(repository: Repository, branch: str = "try") -> None:
    """Register digits 9.0.0 on a branch of its own, from which the files come back."""
    repository.git("checkout", "--quiet", "-b", branch)
    repository.write("lost.bin", LOST)
    assert_works(
        repository, "register", "other", "--weights", "lost.bin", "-m", "try", "--version", "9.0.0"
    )
    repository.git("checkout", "--quiet", "-f", "main")


def forget_lost(repository: Repository, branch: str = "try", *, keep: Iterable[str] = ()) -> None:
    """Let nothing lead to that version, but what is to be kept."""
    kept = set(keep)
    if "branch" not in kept:
        repository.git("branch", "--quiet", "-D", branch)
    if "tag" not in kept:
        repository.git("tag", "-d", "other@v9.0.0")
    if "code" not in kept:
        for name in repository.git("for-each-ref", "--format=%(refname)", "refs/mlver").split():
            if "other" in name:
                repository.git("update-ref", "-d", name)
    if "log" not in kept:
        repository.git("reflog", "expire", "--expire=now", "--all")


@pytest.fixture
def lost(second: Repository) -> Repository:
    """With a version of 2 MB, stored long ago, that nothing leads to."""
    register_lost(second)
    forget_lost(second)
    age_files(store_of(second))
    return second


@pytest.mark.parametrize("keep", ["branch", "tag", "log"])
def test_what_anything_leads_to_is_kept(second: Repository, keep: str) -> None:
    register_lost(second)
    forget_lost(second, keep=[keep])
    age_files(store_of(second))
    assert set(count_fates(second)) == {"kept"}


def test_an_index_a_stash_and_a_file_keep(lost: Repository) -> None:
    record = ".mlver/models/digits/notes.txt"
    lost.write(record, f"{LOST_DIGEST}\n")
    assert set(count_fates(lost)) == {"kept"}
    lost.git("add", record)
    (lost.path / record).unlink()
    assert set(count_fates(lost)) == {"kept"}
    lost.git("checkout", "--", record)
    lost.git("stash", "--quiet")
    assert not (lost.path / record).exists()
    assert set(count_fates(lost)) == {"kept"}


def test_what_was_kept_of_bytes_does_not_keep_them(lost: Repository) -> None:
    """It tells of bytes that are gone: a file of tensors, and a profile of a table."""
    text = str(LOST_DIGEST)
    tensors = KeptTensors(file=LOST_DIGEST, format="safetensors", tensors=())
    lost.write(layout.tensors_path(LOST_DIGEST), tensors.to_bytes())
    profile = TableProfile(rows=0, columns=()).to_bytes(LOST_DIGEST)
    lost.write(layout.profile_path(LOST_DIGEST), profile)
    assert all(text.encode() in data for data in (tensors.to_bytes(), profile))
    lost.commit("What was kept")
    assert count_fates(lost)["trashed"] > 0
    # The same letters in anything else keep what they name.
    lost.write(f"{layout.ROOT}/models/other/model.yaml", f"description: {text}\n")
    assert "trashed" not in count_fates(lost)


def test_a_dry_run_is_the_default(lost: Repository) -> None:
    said = assert_works(lost, "gc")
    assert "would go to the trash" in said
    assert said.endswith("next: mlver gc --yes\n")
    assert not (store_of(lost) / "trash").exists()


def test_it_goes_to_the_trash_and_then_for_good(lost: Repository) -> None:
    assert count_fates(lost, "--yes")["trashed"] == 1
    (trashed,) = (store_of(lost) / "trash").glob(f"*/{LOST_DIGEST.hex}")
    assert trashed.read_bytes() == LOST
    assert count_fates(lost, "--yes")["waiting"] == 1
    age_trash(lost)
    (trashed,) = (store_of(lost) / "trash").glob(f"*/{LOST_DIGEST.hex}")
    document = read_document(lost.mlver("gc", "--yes", "--json"), "gc")
    assert document["freed"] == len(LOST)
    assert not trashed.exists()
    assert_works(lost, "verify", "--all")


def test_what_was_stored_lately_is_left_alone(lost: Repository) -> None:
    age_files(store_of(lost), days=1)
    assert count_fates(lost, "--yes")["too young"] == 1


def test_what_is_needed_again_serves_where_it_is(second: Repository) -> None:
    register_lost(second)
    tip = second.git("rev-parse", "try")
    forget_lost(second)
    age_files(store_of(second))
    assert count_fates(second, "--yes")["trashed"] == 1
    second.git("checkout", "--quiet", "-f", tip)
    (second.path / "lost.bin").unlink(missing_ok=True)
    assert_works(second, "checkout", "other@9.0.0")
    assert (second.path / "lost.bin").read_bytes() == LOST
    assert list((store_of(second) / "trash").glob(f"*/{LOST_DIGEST.hex}"))
    assert_works(second, "verify", "--all")
    assert count_fates(second, "--yes")["restored"] == 1


def test_gc_puts_back_what_is_needed_again(second: Repository) -> None:
    register_lost(second)
    tip = second.git("rev-parse", "try")
    forget_lost(second)
    age_files(store_of(second))
    assert count_fates(second, "--yes")["trashed"] == 1
    second.git("branch", "again", tip)
    age_files(store_of(second))
    assert count_fates(second, "--yes")["restored"] == 1
    assert "trashed" not in count_fates(second)


def test_a_pack_that_is_mostly_unneeded_is_written_anew(second: Repository) -> None:
    second.git("checkout", "--quiet", "-b", "try")
    shutil.rmtree(second.path / "data", ignore_errors=True)
    for number in range(20):
        second.write(f"many/{number}.txt", f"{number} " * 5000)
    arguments = ("--weights", "many", "-m", "try", "--version", "9.0.0")
    assert_works(second, "register", "other", *arguments)
    second.git("checkout", "--quiet", "-f", "main")
    forget_lost(second)
    needed = second.write("small.bin", "0 " * 5000)
    assert_works(second, "register", "other", "--weights", needed.name, "-m", "small")
    age_files(store_of(second))
    assert count_fates(second, "--yes")["repacked"] == 20
    assert_works(second, "verify", "--all")
    (second.path / "small.bin").unlink()
    assert_works(second, "checkout", "other")
    assert (second.path / "small.bin").read_text() == "0 " * 5000


def test_a_record_that_cannot_be_read_ends_it(lost: Repository) -> None:
    lost.write(".mlver/models/digits/versions/7.0.0.yaml", "schema: mlver/version/1\n")
    assert_refused(lost, "gc", "--yes")
    assert (store_of(lost) / "objects" / LOST_DIGEST.hex[:2] / LOST_DIGEST.hex[2:]).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="setpriv is Linux's")
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o311])
def test_a_folder_that_cannot_be_read_ends_it(lost: Repository, mode: int) -> None:
    notes = lost.write(".mlver/models/digits/notes/a.txt", f"{LOST_DIGEST}\n").parent
    refuse_unreadable(lost, notes, mode)


@pytest.mark.skipif(sys.platform != "linux", reason="setpriv is Linux's")
def test_a_work_tree_that_cannot_be_read_ends_it(lost: Repository, tmp_path: Path) -> None:
    lost.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "closed"))
    (tmp_path / "closed/.mlver/models/digits/a.txt").write_text(f"{LOST_DIGEST}\n")
    refuse_unreadable(lost, tmp_path / "closed", 0o000)


def refuse_unreadable(lost: Repository, folder: Path, mode: int) -> None:
    """Let gc be refused while a folder has a mode."""
    folder.chmod(mode)
    command = [sys.executable, "-m", "mlver", "gc", "--yes"]
    if os.geteuid() == 0:
        # root reads all but for these two capabilities.
        lacking = "-dac_override,-dac_read_search"
        command = ["setpriv", "--inh-caps", lacking, "--bounding-set", lacking, "--", *command]
    try:
        done = subprocess.run(command, cwd=lost.path, capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o755)
    assert (done.returncode, done.stdout) == (3, "")
    assert folder.name in done.stderr
    assert "nothing is deleted" in done.stderr
    assert (store_of(lost) / "objects" / LOST_DIGEST.hex[:2] / LOST_DIGEST.hex[2:]).exists()


def test_a_work_tree_that_is_gone_ends_it(lost: Repository, tmp_path: Path) -> None:
    lost.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    shutil.rmtree(tmp_path / "second")
    assert "git worktree prune" in assert_refused(lost, "gc", "--yes")


def test_retention_keeps_more(lost: Repository) -> None:
    config = lost.path / ".mlver/config.yaml"
    before = config.read_text()
    for rule in ("keep_last: 1", "keep_for: 9000d"):
        config.write_text(f"{before}retention:\n  {rule}\n")
        assert set(count_fates(lost)) == {"kept"}
    config.write_text(f"{before}retention:\n  keep_labels: [audit]\n  keep_stages: [production]\n")
    assert count_fates(lost)["trashed"] == 1


def test_a_grace_time_below_a_day_is_refused(second: Repository) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text()}retention:\n  grace: 1h\n")
    assert "retention" in assert_refused(second, "gc")


def test_du_says_whose_bytes_are_where(lost: Repository) -> None:
    document = read_document(lost.mlver("du", "--json"), "du")
    assert document["unneeded"] == len(LOST)
    assert [version["version"] for version in document["versions"]] == ["1.0.0", "1.1.0"]
    for version in document["versions"]:
        assert 0 < version["own"] <= version["bytes"]
    assert document["problem"] is None
    said = assert_works(lost, "du")
    assert "digits 1.1.0" in said
