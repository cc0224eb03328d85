"""Doctor says what it would mend, mends it when told, and waits as long as it is told."""

from __future__ import annotations

import fcntl
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository
from tests.storage.local.helpers import flip_bit


def test_a_dry_run_of_a_fix_says_what_it_would_mend(first: Repository) -> None:
    (first.path / ".mlver/.gitattributes").unlink()
    for pack in (first.path / ".git/mlver/packs").iterdir():
        pack.unlink()
    before = digest_tree(first.path)
    done = first.mlver("doctor", "--fix", "--dry-run")
    assert (done.code, done.err) == (1, "")
    assert "would fix  .mlver/.gitattributes" in done.out
    assert "would fix  digits 1.0.0 train" in done.out
    found = read_document(first.mlver("doctor", "--fix", "--dry-run", "--json"), "doctor")
    assert found["dry_run"]
    assert not any(diagnosis["fixed"] for diagnosis in found["diagnoses"])
    assert digest_tree(first.path) == before
    mended = first.mlver("doctor", "--fix")
    assert (mended.code, "would fix" in mended.out) == (0, False)
    assert "fixed  digits 1.0.0 train" in mended.out
    assert first.mlver("doctor").code == 0


def test_only_what_was_read_is_called_right(first: Repository) -> None:
    packs = first.path / ".git/mlver/packs"
    (packs / f"{'0' * 64}.pack").write_bytes(b"nobody pins this")
    assert (
        "every stored byte that the records name is present and right\n"
        in first.mlver("doctor").out
    )


@pytest.mark.parametrize("command", [("init",), ("doctor", "--fix")])
def test_init_and_doctor_wait_as_long_as_told(first: Repository, command: tuple[str, ...]) -> None:
    (first.path / ".mlver/.gitattributes").unlink()
    with (first.path / ".git/mlver/lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "waited 0 s" in assert_refused(first, "--wait", "0", *command)


def test_what_was_never_set_up_is_told_once(project: Repository) -> None:
    done = project.mlver("doctor")
    assert [line for line in done.out.splitlines() if ".mlver" in line or "mlver init" in line] == [
        "wrong  .mlver/  is missing",
        "       hint: mlver init",
    ]
    assert done.code == 1


def test_what_is_missing_of_the_settings_is_told_once(first: Repository) -> None:
    (first.path / ".mlver/config.yaml").unlink()
    done = first.mlver("doctor")
    assert (done.code, done.out.count(".mlver/config.yaml")) == (1, 1)
    mended = first.mlver("doctor", "--fix")
    assert (mended.code, mended.out.count(".mlver/config.yaml")) == (
        0,
        2,
    )  # fixed, and then its stages


def test_much_damage_of_one_artifact_is_told_shortly(project: Repository) -> None:
    for number in range(12):
        project.write(f"model/{number}", str(number))
    project.mlver("init")
    project.mlver("register", "other", "--weights", "params.yaml", "-m", "First")
    others = set((project.path / ".git/mlver/packs").iterdir())
    project.mlver("register", "digits", "--weights", "model", "-m", "First")
    for stored in set((project.path / ".git/mlver/packs").iterdir()) - others:
        stored.unlink()
    shutil.rmtree(project.path / "model")
    done = project.mlver("doctor")
    assert (done.code, done.out.count(" is missing")) == (1, 5)
    assert "       and 9 more of digits 1.0.0 weights (--json lists all)\n" in done.out
    directory = project.path / ".git/mlver"
    assert (
        done.out.count(f"hint: cp -Rn CLONE/.git/mlver/objects CLONE/.git/mlver/packs {directory}")
        == 1
    )
    found = read_document(project.mlver("doctor", "--json"), "doctor")
    lost = [
        diagnosis["finding"]["message"].split()[0]
        for diagnosis in found["diagnoses"]
        if diagnosis["level"] == "wrong"
    ]
    assert len(lost) == 14
    assert lost == sorted(lost), "as the manifest lists them"
    checked = project.mlver("verify", "--all")
    assert (checked.code, checked.out.count(" is missing"), checked.out.count("hint: ")) == (
        1,
        10,
        1,
    )
    assert "and 4 more (--json lists all)\n" in checked.out


def test_its_own_hook_is_told_from_somebody_elses(first: Repository) -> None:
    hooks = first.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "commit-msg").write_text("#!/bin/sh\n")
    (hooks / "commit-msg").chmod(0o755)
    first.mlver("hook", "install")
    found = read_document(first.mlver("doctor", "--json"), "doctor")["passed"]
    assert [
        check["message"].removeprefix(f"{hooks}/") for check in found if check["subject"] == "hooks"
    ] == [
        "pre-commit is mlver's own: it judges what a commit would bring in",
        "commit-msg runs on mlver's commits; keep it from rewriting .mlver/",
    ]


def test_a_record_a_manifest_and_a_seal_that_are_not_right_are_named(second: Repository) -> None:
    versions = second.path / ".mlver/models/digits/versions"
    manifest = min((second.path / ".mlver/manifests").iterdir())
    assert "2 versions of 1 model" in second.mlver("doctor").out

    def wrong() -> str:
        done = second.mlver("doctor")
        assert done.code == 1
        second.git("checkout", "--quiet", "--", ".mlver")
        return " ".join(done.out.split())

    record = versions / "1.0.0.yaml"
    record.write_text(record.read_text().replace("0.91", "0.99"))
    said = wrong()
    assert "digits 1.0.0 was edited after its tag sealed it" in said
    assert "versions of" not in said
    record.write_text("<<<<<<< ours\n")
    assert "holds both sides of a merge conflict that was never settled" in wrong()
    record.unlink()
    assert "is deleted here, though HEAD holds it" in wrong()
    manifest.unlink()
    assert f"{manifest.name} is missing: it lists the files of" in wrong()
    manifest.write_bytes(manifest.read_bytes().replace(b"0", b"1"))
    assert "no longer hashes to its name" in wrong()
    second.git("tag", "--force", "--message", "x", "digits@v1.0.0", "HEAD")
    assert "does not name the record it seals" in wrong()


def test_settings_that_cannot_be_read_are_told_on_one_line(first: Repository) -> None:
    config = first.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "guard: {nonsense: 1}\n")
    (line,) = (line for line in first.mlver("doctor").out.splitlines() if "nonsense" in line)
    assert line.startswith("wrong  .mlver/config.yaml  is not valid: line ")
    assert "\\n" not in line


def test_what_cannot_be_restored_is_never_called_fixed(project: Repository) -> None:
    project.write("big.bin", random.Random(1).randbytes(2 << 20))
    project.mlver("init")
    project.mlver("register", "digits", "--weights", "big.bin", "-m", "First")
    (stored,) = (project.path / ".git/mlver/objects").glob("*/*")
    flip_bit(stored, 100)
    (project.path / "big.bin").unlink()
    done = project.mlver("doctor", "--fix")
    assert (done.code, "fixed" in done.out) == (1, False)
    assert "wrong  digits 1.0.0 weights  big.bin is missing\n" in done.out
    assert project.mlver("doctor").code == 1


@pytest.mark.parametrize("size", [2 << 20, 2_000], ids=["loose", "in a pack"])
@pytest.mark.parametrize("first", ["doctor", "verify", "missing"])
def test_the_hints_bring_a_lost_object_from_a_clone(
    project: Repository, tmp_path: Path, size: int, first: str
) -> None:
    project.write("big.bin", random.Random(1).randbytes(size))
    project.mlver("init")
    project.mlver("register", "digits", "--weights", "big.bin", "-m", "First")
    project.mlver("tag")
    clone = tmp_path / "a clone"
    shutil.copytree(project.path, clone)
    (project.path / "big.bin").unlink()
    (stored,) = (project.path / ".git/mlver").glob(
        "objects/*/*" if size > 2_000 else "packs/*.pack"
    )
    if first == "missing":
        shutil.rmtree(project.path / ".git/mlver")
    else:
        flip_bit(stored, 600)
    if first == "verify":
        assert project.mlver("verify", "--all").code == 1
    found = read_document(project.mlver("doctor", "--json"), "doctor")["diagnoses"]
    (lost,) = [one for one in found if any("cp -Rn" in hint for hint in one["finding"]["hints"])]
    inner = project.path / "inner"
    inner.mkdir()
    for hint in lost["finding"]["hints"]:
        if hint.startswith("mlver "):
            project.mlver(*hint.split()[1:])
        else:
            typed = hint.replace("CLONE", f"'{clone}'")
            subprocess.run(["sh", "-c", typed], cwd=inner, check=False)
    checked = project.mlver("verify", "--all")
    assert (checked.code, checked.out.splitlines()[0].startswith("All is well")) == (0, True)


def test_attributes_that_change_records_are_named_as_the_cause(first: Repository) -> None:
    first.write(".git/info/attributes", "* text eol=crlf\n")
    shutil.rmtree(first.path / ".mlver")
    first.git("checkout", "--quiet", "--", ".mlver")
    for words in (("verify",), ("doctor",)):
        done = first.mlver(*words)
        assert done.code == 1
        assert "git changes the bytes of what it checks out here (text=set, eol=crlf)" in done.out
        assert "hint: git check-attr --all -- .mlver/config.yaml" in done.out
    (first.path / ".git/info/attributes").unlink()
    shutil.rmtree(first.path / ".mlver")
    first.git("checkout", "--quiet", "--", ".mlver")
    assert first.mlver("verify").code == 0
