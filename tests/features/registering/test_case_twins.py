"""Version numbers that differ by letter case only: one record file on many machines.

What the hooks would refuse is refused before anything is stored.
"""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.hooks.hooks import HookedRepository, with_hooks

LOWER = ".mlver/models/digits/versions/2.0.0-rc.1.yaml"
UPPER = ".mlver/models/digits/versions/2.0.0-RC.1.yaml"


def add_twins(repository: Repository) -> HookedRepository:
    """Commit both, the upper one after the lower one, as somebody without hooks may."""
    place = with_hooks(repository)
    place.add_unsealed("2.0.0-rc.1")
    place.commit("Lower")
    place.add_unsealed("2.0.0-RC.1")
    place.commit("Upper")
    return place


def list_stored(repository: Repository) -> list[str]:
    """List the stored bytes, the records and the references."""
    store = repository.path / ".git/mlver"
    stored = [*(store / "objects").rglob("*"), *(store / "packs").rglob("*")]
    records = (repository.path / ".mlver").rglob("*")
    return [*sorted(map(str, [*stored, *records])), repository.git("for-each-ref")]


@pytest.mark.parametrize("seen", ["record", "tag", "unreadable record"])
@pytest.mark.parametrize("options", [(), ("--allow-lower",), ("--dry-run",)])
def test_register_refuses_a_twin_before_anything_is_stored(
    first: Repository, options: tuple[str, ...], seen: str
) -> None:
    register = ("register", "digits", "-m", "One")
    assert_works(first, *register, "--version", "2.0.0-rc.1")
    if seen == "tag":
        first.git("reset", "--hard", "--quiet", "HEAD~1")
    if seen == "unreadable record":
        first.write(LOWER, "nonsense\n")
    first.write("model/config.json", '{"layers": 3}\n')
    before = list_stored(first)
    done = first.mlver(*register, "--version", "2.0.0-RC.1", *options)
    assert (done.code, done.out) == (3, "")
    assert (
        "error: digits 2.0.0-RC.1 differs from 2.0.0-rc.1 by letter case only, "
        "and their records would be one file on many machines\n" in done.err
    )
    kept = " ".join(("register digits -m One", *options))
    assert f"{kept} --bump patch\n" in done.err
    assert list_stored(first) == before


def test_a_bump_makes_no_twin(first: Repository) -> None:
    register = ("register", "digits", "-m", "One")
    assert_works(first, *register, "--version", "2.0.0-RC.2")
    assert_works(first, *register, "--version", "2.0.0-rc.1")
    assert "2.0.0-rc.2 differs from 2.0.0-RC.2" in assert_refused(
        first, *register, "--bump", "prerelease"
    )
    assert_works(first, *register, "--bump", "patch")


@pytest.mark.parametrize("existing", [True, False])
def test_adopt_leaves_a_twin_out(repository: Repository, existing: bool) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    assert_works(repository, "init")
    repository.git("tag", "v1.0.0-RC.1")
    adopt = ("adopt", "m", "--weights", "w.bin")
    if existing:
        assert_works(repository, *adopt)
    repository.git("tag", "v1.0.0-rc.1")
    result = read_document(repository.mlver(*adopt, "--json"), "adopt")
    assert [(left["subject"], left["message"]) for left in result["left"]] == [
        (
            "v1.0.0-rc.1",
            "1.0.0-rc.1 differs from 1.0.0-RC.1 by letter case only, "
            "and their records would be one file on many machines",
        )
    ]
    versions = repository.path / ".mlver/models/m/versions"
    assert [path.name for path in versions.iterdir()] == ["1.0.0-RC.1.yaml"]


def test_tag_seals_the_older_of_two_twins(first: Repository) -> None:
    place = add_twins(first)
    done = place.mlver("tag")
    assert done.code == 1
    assert "Sealed digits@v2.0.0-rc.1" in done.out
    assert f"Refused {UPPER} differs from `{LOWER}` by letter case only" in done.out
    assert "digits@v2.0.0-RC.1" not in place.git("tag", "--list")
    place.git("tag", "--delete", "digits@v2.0.0-rc.1")
    place.git("tag", "--annotate", "-m", "Mine", "digits@v2.0.0-RC.1", "HEAD")
    assert f"Refused {LOWER} differs from `{UPPER}`" in place.mlver("tag").out


def test_verify_and_doctor_name_the_newer_twin(first: Repository) -> None:
    place = add_twins(first)
    said = f"{UPPER} differs from `{LOWER}` by letter case only: one file on many machines"
    for command in (("verify", "digits"), ("verify",), ("verify", "--all"), ("doctor",)):
        done = place.mlver(*command)
        shown = " ".join(done.out.split())
        assert done.code == 1
        assert said in shown
        assert f"hint: git log -- {UPPER}" in shown
        assert f"{LOWER} differs" not in shown
    # where both are one file, only git knows both
    (place.path / UPPER).unlink()
    for command in (("verify", "--all"), ("doctor",)):
        assert said in " ".join(place.mlver(*command).out.split())


@pytest.mark.parametrize("since", ["HEAD~1", "HEAD~2"])
def test_a_hook_names_the_newer_twin(first: Repository, since: str) -> None:
    place = add_twins(first)
    done = place.mlver("hook", "check", "--from", since, "--to", "HEAD")
    assert done.code == 1
    assert f"{UPPER} differs from `{LOWER}`" in done.out + done.err
    assert f"git rm --cached -- {UPPER}" in done.out + done.err
    assert f"git rm --cached -- {LOWER}" not in done.out + done.err
