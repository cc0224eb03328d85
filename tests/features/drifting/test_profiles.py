"""Profiles of tables are kept on request, and stand in where the bytes are gone."""

from __future__ import annotations

import errno
import io
import json
import shutil
from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.profile import TableProfile
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.drifting.made_tables import write_rows


@pytest.fixture
def profiled(first: Repository) -> Repository:
    """With profiles of digits 1.1.0 and 1.2.0, whose incomes differ."""
    path = first.path / layout.CONFIG
    path.write_text(path.read_text() + "\ninsight:\n  profiles: true\n  drift: {ignore: [id]}\n")
    first.commit("Keep profiles")
    for seed, shift in ((1, 0.0), (2, 1.0)):
        first.write("data/train.csv", write_rows(seed, shift=shift))
        assert_works(first, "register", "digits", "--bump", "minor", "-m", "More rows")
    return first


def list_profiles(repository: Repository) -> list[str]:
    return repository.git("ls-files", layout.PROFILES).splitlines()


def lose_bytes(repository: Repository) -> None:
    for name in ("objects", "packs"):
        shutil.rmtree(repository.path / ".git/mlver" / name, ignore_errors=True)
    shutil.rmtree(repository.path / "data")


def test_a_profile_is_committed_with_the_record(profiled: Repository) -> None:
    data = (profiled.path / "data/train.csv").read_bytes()
    digest = Digest.of_bytes(data)
    path = layout.profile_path(digest)
    assert path in profiled.git("show", "--name-only", "--format=", "HEAD").splitlines()
    profile = TableProfile.parse((profiled.path / path).read_bytes(), path, digest)
    assert (profile.rows, len(profile.columns)) == (400, 5)
    assert len(list_profiles(profiled)) == 2
    assert b"k2-0" not in (profiled.path / path).read_bytes()
    assert_works(profiled, "verify", "--all")
    assert profiled.git("status", "--porcelain") == ""


def test_without_the_setting_nothing_is_kept(trained: Repository) -> None:
    assert list_profiles(trained) == []


def test_the_same_data_has_one_profile(profiled: Repository) -> None:
    profiled.write("params.yaml", "lr: 0.5\nseed: 42\n")
    assert_works(profiled, "register", "digits", "--bump", "minor", "-m", "Other lr")
    assert len(list_profiles(profiled)) == 2


def test_drift_is_told_from_profiles_when_the_bytes_are_gone(profiled: Repository) -> None:
    whole = profiled.mlver("drift", "digits@1.1.0", "@1.2.0", "--json")
    lose_bytes(profiled)
    gone = profiled.mlver("drift", "digits@1.1.0", "@1.2.0", "--json")
    before, after = read_document(whole, "drift"), read_document(gone, "drift")
    assert (whole.code, gone.code, before["exact"], after["exact"]) == (1, 1, True, False)
    for old, new in zip(before["table"]["columns"], after["table"]["columns"], strict=True):
        assert (old["name"], old["verdict"]) == (new["name"], new["verdict"])
        assert old["ks"] is None or new["ks"] == pytest.approx(old["ks"], abs=2 / 255)
        assert (old["psi"], old["js"]) == (new["psi"], new["js"])
    profiled.write("live.csv", write_rows(8, shift=1))
    assert profiled.mlver("drift", "digits@1.1.0", "--live", "live.csv").code == 1
    assert profiled.mlver("drift", "digits@1.2.0", "--live", "live.csv").code == 0
    assert "from profiles" in profiled.mlver("drift", "digits@1.1.0", "@1.2.0").out


def test_diff_compares_columns_and_no_rows_when_the_bytes_are_gone(profiled: Repository) -> None:
    lose_bytes(profiled)
    words = ("diff", "digits@1.1.0", "@1.2.0", "--data", "train")
    document = read_document(profiled.mlver(*words, "--json"), "datadiff")
    assert (document["rows"], document["old_rows"]) == (None, 400)
    assert "only a profile is left of one side" in assert_works(profiled, *words)
    said = assert_refused(profiled, *words, "--key", "id")
    assert "--key compares rows, and of one side only a profile is left" in said


def test_what_is_no_table_has_no_profile(profiled: Repository) -> None:
    profiled.write("data/notes.txt", "words")
    words = ("--data", "notes=data/notes.txt", "--bump", "minor", "-m", "Notes")
    assert_works(profiled, "register", "digits", *words)
    assert len(list_profiles(profiled)) == 2


def test_a_broken_table_is_registered_and_a_note_says_why_it_has_no_profile(
    profiled: Repository,
) -> None:
    profiled.write("data/train.csv", "a,b\n1,2\n3\n4,5,6\n")
    done = profiled.mlver("register", "digits", "--bump", "minor", "-m", "Broken")
    assert done.code == 0
    said = " ".join(done.err.split())
    assert (
        "note: no profile of train is kept: train cannot be read as a table: in data/train.csv,"
        " line 3 has 1 value, and the first line has 2 names"
    ) in said
    refused = profiled.mlver("diff", "digits@1.2.0", "@1.3.0", "--data", "train")
    assert "line 3 has 1 value, and the first line has 2 names" in refused.err
    assert "hint: sed -n 3p data/train.csv" in refused.err


def test_a_disk_that_refuses_keeps_a_version_from_being_registered_without_its_profile(
    profiled: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiled.write("data/train.csv", write_rows(3))
    head = profiled.git("rev-parse", "HEAD")
    opening = io.open

    def fail(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        # A profile is made of a copy of the table.
        if mode == "xb" and str(file).endswith(".csv"):
            raise OSError(errno.ENOSPC, "No space left on device", file)
        return opening(file, mode, *arguments, **options)

    words = ("register", "digits", "--bump", "minor", "-m", "More rows")
    with monkeypatch.context() as patched:
        patched.setattr(io, "open", fail)
        said = assert_refused(profiled, *words)
    assert "reading a table failed: No space left on device: " in said
    assert profiled.git("rev-parse", "HEAD") == head
    assert_works(profiled, *words)
    assert len(list_profiles(profiled)) == 3


@pytest.mark.parametrize("form", ["not JSON", "of other data", "misnamed"])
def test_a_profile_that_was_tampered_with_is_named(profiled: Repository, form: str) -> None:
    path = profiled.path / list_profiles(profiled)[0]
    document = json.loads(path.read_bytes())
    if form == "not JSON":
        path.write_text("{")
    elif form == "of other data":
        document["data"] = str(Digest.of_bytes(b""))
        path.write_text(json.dumps(document))
    else:
        path.rename(path.with_name("mine.json"))
    profiled.commit("Tampered")
    done = profiled.mlver("verify", "--all")
    assert (done.code, "Traceback" in done.err) == (1, False)
    name = "mine.json" if form == "misnamed" else path.name
    assert name in done.out
    assert profiled.mlver("doctor").code == 1
    assert profiled.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD").code == 1


def test_a_profile_that_no_record_pins_is_not_believed(profiled: Repository) -> None:
    """Whoever can push could otherwise let data move that did not, or hide that they did."""
    path = profiled.path / list_profiles(profiled)[0]
    document = json.loads(path.read_bytes())
    document["columns"][0]["count"] -= 1
    path.write_text(json.dumps(document))
    lose_bytes(profiled)
    done = profiled.mlver("drift", "digits@1.1.0", "@1.2.0")
    assert (done.code, done.out) == (3, "")
    assert f"profiles/{path.name} is not what digits 1." in done.err
    done = profiled.mlver("verify", "digits@1.1.0", "digits@1.2.0")
    assert (done.code, f"{path.name} is not what digits 1." in done.out) == (1, True)


def test_a_profile_that_the_data_contradict_is_named(profiled: Repository) -> None:
    """The record pins it, as somebody's does whose mlver was made to lie."""
    record = Project.open_existing(profiled.path).registry.read_version("digits", "1.2.0")[0]
    digest = record.data["train"].digest
    path = profiled.path / layout.profile_path(digest)
    pin = Digest.of_bytes(path.read_bytes())
    profile = TableProfile.parse(path.read_bytes(), "profile", digest)
    columns = [
        column if column.mean is None else replace(column, mean=column.mean + 1)
        for column in profile.columns
    ]
    path.write_bytes(replace(profile, columns=tuple(columns)).to_bytes(digest))
    text = (profiled.path / record.record_path).read_text()
    forged_pin = Digest.of_bytes(path.read_bytes())
    (profiled.path / record.record_path).write_text(text.replace(str(pin), str(forged_pin)))
    profiled.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    profiled.git("tag", "--delete", "digits@v1.2.0")
    assert_works(profiled, "tag")
    assert_works(profiled, "verify", "digits@1.2.0")
    done = profiled.mlver("verify", "--all")
    assert done.code == 1
    said = " ".join(done.out.split())
    assert f"{path.name} says other things of train than digits 1.2.0 has there" in said


def test_a_profile_that_was_planted_is_not_taken_over(profiled: Repository) -> None:
    rows = write_rows(5)
    profiled.write("data/train.csv", rows)
    digest = Digest.of_bytes((profiled.path / "data/train.csv").read_bytes())
    planted = json.loads((profiled.path / list_profiles(profiled)[0]).read_text())
    planted["data"] = str(digest)
    profiled.write(layout.profile_path(digest), json.dumps(planted))
    profiled.commit("Plant it")
    done = profiled.mlver("register", "digits", "--bump", "minor", "-m", "Rows")
    assert done.code == 0
    assert "says other things than the data" in " ".join(done.err.split())
    record = Project.open_existing(profiled.path).registry.read_version("digits", "1.3.0")[0]
    assert not record.kept.profiles


def test_a_recorded_drift_keeps_both_profiles(profiled: Repository) -> None:
    profiled.write("live.csv", write_rows(8, shift=1))
    assert_works(profiled, "drift", "digits@1.2.0", "--live", "live.csv", "--record")
    live = Digest.of_bytes((profiled.path / "live.csv").read_bytes())
    assert layout.profile_path(live) in list_profiles(profiled)
    assert_works(profiled, "verify", "--all")


def test_a_profile_that_somebody_put_in_place_is_refused(profiled: Repository) -> None:
    for name, seed in (("live.csv", 8), ("other.csv", 9)):
        profiled.write(name, write_rows(seed, shift=1))
    paths = [
        layout.profile_path(Digest.of_bytes((profiled.path / name).read_bytes()))
        for name in ("live.csv", "other.csv")
    ]
    assert_works(profiled, "drift", "digits@1.2.0", "--live", "other.csv", "--record")
    document = json.loads((profiled.path / paths[1]).read_bytes())
    document["data"] = f"sha256:{paths[0].rpartition('/')[2].removesuffix('.json')}"
    profiled.write(paths[0], json.dumps(document))
    profiled.commit("Prepared")
    words = ("drift", "digits@1.2.0", "--live", "live.csv", "--record")
    said = assert_refused(profiled, *words)
    assert f"{paths[0]} tells another table than the one that was read" in " ".join(said.split())
    assert profiled.git("status", "--porcelain", ".mlver") == ""


def test_amending_replaces_the_profile(profiled: Repository) -> None:
    before = set(list_profiles(profiled))
    profiled.write("data/train.csv", write_rows(9))
    words = ("--data", "train=data/train.csv", "-m", "Better rows")
    assert_works(profiled, "register", "digits", "--amend", *words)
    after = set(list_profiles(profiled))
    assert (len(before & after), len(after)) == (1, 2)
    assert_works(profiled, "verify", "--all")
