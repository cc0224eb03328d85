"""What a hostile remote offers as runs, and what a remote refuses: each is named, and holds up no
other.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.runs.trainings import (
    QUICK,
    forge_run,
    list_references,
    read_raw_run,
    shell,
    store_raw,
)

Forgery = Callable[[Repository, str, bytes], object]
OTHER = "refs/mlver/runs/digits/20261121T030405Z-0000aa"


@pytest.fixture
def forge(second: Repository, tmp_path: Path) -> Path:
    place = tmp_path / "forge.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    second.git("remote", "add", "origin", place.as_uri())
    second.git("push", "--quiet", "origin", "main")
    return place


def rewrite(old: bytes, new: bytes) -> Forgery:
    """A run with a line of its record written otherwise."""

    def make(repository: Repository, reference: str, record: bytes) -> None:
        assert old in record
        forge_run(repository, reference, {"run.yaml": record.replace(old, new, 1)})

    return make


def add_file(name: str, data: bytes, mode: str = "100644") -> Forgery:
    def make(repository: Repository, reference: str, record: bytes) -> None:
        forge_run(repository, reference, [(name, data), ("run.yaml", record)], mode)

    return make


def tag_run(repository: Repository, reference: str, record: bytes) -> None:
    commit = forge_run(repository, reference, {"run.yaml": record})
    tag = f"object {commit}\ntype commit\ntag x\ntagger K <k@e.org> 1700000000 +0000\n\nx\n"
    repository.git("update-ref", reference, store_raw(repository, "tag", tag.encode()))


def name_blob(repository: Repository, reference: str, record: bytes) -> None:
    repository.git("update-ref", reference, store_raw(repository, "blob", record))


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "two records": (add_file("run.yaml", b"second\n"), "duplicate"),
    "a tag object": (tag_run, "names a tag, and a run is a commit"),
    "a blob": (name_blob, "holds no run"),
    "longer than mankind": (rewrite(b"duration: 0", b"duration: 1e308"), "duration"),
    "endless memory": (
        rewrite(b"resources:\n", b"resources:\n  extra: 1e308\n"),
        "resources.extra",
    ),
    "a link": (add_file("curves.jsonl", b"/etc/passwd", "120000"), "more than plain files"),
    "curves that it does not name": (add_file("curves.jsonl", b"{}\n"), "does not name"),
    "points that are not there": (rewrite(b"environment:", b"points: 9\nenvironment:"), "9 points"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_run_is_refused_by_name_and_the_others_come(
    second: Repository, forge: Path, tmp_path: Path, kind: str
) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell("true"))
    assert_works(second, "push", "--runs")
    (sound,) = list_references(second)
    make, fault = FORGERIES[kind]
    forged = OTHER if kind == "a blob" else sound[:-6] + "0000aa"
    record = read_raw_run(second, sound).replace(sound[-6:].encode(), b"0000aa")
    make(second, forged, record)
    second.git("push", "--quiet", "origin", f"{forged}:{forged}")
    done = other.mlver("pull", "--runs")
    assert done.code == 1
    assert list_references(other) == [sound]
    assert forged.removeprefix("refs/mlver/runs/") in done.out
    assert fault.lower() in done.out.lower()
    # Nothing that was refused stands in the way of what is sent from here.
    assert_works(other, "run", *shell("true"))
    subprocess.run(["git", "config", "receive.fsckObjects", "true"], cwd=forge, check=True)
    assert "Sent 1 run" in assert_works(other, "push", "--runs")


def test_a_malformed_object_is_not_even_kept(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    forged = forge_run(second, OTHER, [("run.yaml", b"one\n"), ("run.yaml", b"two\n")])
    second.git("push", "--quiet", "origin", f"{OTHER}:{OTHER}")
    assert other.mlver("pull", "--runs").code == 1
    looked = subprocess.run(["git", "cat-file", "-e", forged], cwd=other.path, check=False)
    assert looked.returncode != 0


def test_two_records_that_are_here_already_are_not_sent(second: Repository, forge: Path) -> None:
    assert_works(second, "run", *shell("true"))
    (sound,) = list_references(second)
    forged = sound[:-6] + "0000aa"
    record = read_raw_run(second, sound).replace(sound[-6:].encode(), b"0000aa")
    forge_run(second, forged, [("run.yaml", record), ("run.yaml", record)])
    done = second.mlver("push", "--runs")
    assert (done.code, "holds run.yaml 2 times" in done.out) == (1, True)
    assert second.git("ls-remote", "origin", "refs/mlver/*").split()[1:] == [sound]


def test_changed_curves_are_not_taken(second: Repository, forge: Path, tmp_path: Path) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell(QUICK))
    (name,) = list_references(second)
    curves = b'{"step": 1, "loss": 9}\n'
    forge_run(second, name, {"curves.jsonl": curves, "run.yaml": read_raw_run(second, name)})
    second.git("push", "--quiet", "origin", f"{name}:{name}")
    done = other.mlver("pull", "--runs")
    assert (done.code, list_references(other)) == (1, [])
    assert "does not hold the curves.jsonl that its record names" in done.out


def refuse_updates(forge: Path, pattern: str) -> None:
    hook = forge / "hooks/update"
    hook.write_text(f'#!/bin/sh\ncase "$1" in {pattern}) echo "not this one" >&2; exit 1;; esac\n')
    hook.chmod(0o755)


def test_a_run_that_the_remote_refuses_holds_up_no_other(second: Repository, forge: Path) -> None:
    for _ in range(5):
        assert_works(second, "run", *shell("true"))
    names = list_references(second)
    refuse_updates(forge, f"*{names[2][-6:]}")
    done = second.mlver("push", "--runs", "--json")
    document = read_document(done, "sentruns")
    assert (done.code, len(document["runs"])) == (1, 4)
    (finding,) = document["refused"]
    assert names[2].endswith(finding["subject"])
    assert "not this one" in finding["message"]
    assert len(second.git("ls-remote", "origin", "refs/mlver/*").splitlines()) == 4


def test_a_remote_that_takes_no_run_at_all_names_each(second: Repository, forge: Path) -> None:
    for _ in range(2):
        assert_works(second, "run", *shell("true"))
    refuse_updates(forge, "*")
    done = second.mlver("push", "--runs", "--json")
    assert done.code == 1
    assert len(read_document(done, "sentruns")["refused"]) == 2
