"""Tags that stand where a seal should be, and two tag objects for one record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clashes import clash_versions, pull_main
from tests.cli.conftest import assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository

TAG = "digits@v1.1.0"
RECORD = ".mlver/models/digits/versions/1.1.0.yaml"


@pytest.fixture
def origin(second: Repository, tmp_path: Path) -> Repository:
    """A bare repository that has what `second` has, with its tags."""
    created = Repository(tmp_path / "origin.git")
    second.git("init", "--quiet", "--bare", str(created.path))
    second.git("remote", "add", "origin", str(created.path))
    second.git("push", "--quiet", "--tags", "--set-upstream", "origin", "main")
    return created


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--force",), "is a lightweight tag, which can seal nothing"),
        (("--force", "--annotate", "-m", "Mine"), "does not name the record it seals"),
    ],
)
def test_tag_says_no_to_a_tag_that_seals_nothing(
    second: Repository, options: tuple[str, ...], message: str
) -> None:
    second.git("tag", *options, TAG, f"{TAG}^{{commit}}")
    for command in (("tag",), ("tag", "--dry-run")):
        done = second.mlver(*command)
        assert (done.code, done.err) == (1, "")
        assert f"Refused {TAG} {message}" in done.out
        assert f"hint: git tag -d {TAG}\n" in done.out
        assert "hint: mlver tag\n" in done.out
        assert "sealed already" not in done.out
    second.git("tag", "-d", TAG)
    assert assert_works(second, "tag").startswith(f"Sealed {TAG}")


def test_a_commit_message_with_a_seal_makes_no_lightweight_tag_one(second: Repository) -> None:
    body = second.git("tag", "--list", "--format=%(contents)", TAG)
    second.git("commit", "--quiet", "--allow-empty", "--message", body)
    second.git("tag", "--force", TAG, "HEAD")
    assert second.mlver("tag").code == 1


def test_a_tag_that_seals_nothing_is_not_pushed(second: Repository, origin: Repository) -> None:
    origin.git("tag", "-d", TAG)
    second.git("tag", "--force", TAG, f"{TAG}^{{commit}}")
    done = second.mlver("tag", "--push")
    assert done.code == 1
    assert "pushed 0 tags to origin" in done.out
    assert TAG not in origin.git("tag", "--list")


PROMOTION = ".mlver/models/digits/stages/production/0001.yaml"
OTHER_SEAL = f"digits 1.1.0\n\nMlver-Record: sha256:{'0' * 64}"


@pytest.mark.parametrize(("tag", "path"), [(TAG, RECORD), ("digits@production.1", PROMOTION)])
def test_tag_says_no_to_a_tag_that_seals_another_record(
    second: Repository, tag: str, path: str
) -> None:
    text = (second.path / path).read_text()
    second.write(path, re.sub("(?m)^message: .*", "message: Forged", text))
    second.git("commit", "--quiet", "--no-verify", "-am", "Polish")
    sealed = second.git("rev-parse", f"{tag}^{{commit}}")
    for command in (("tag",), ("tag", "--dry-run")):
        done = second.mlver(*command)
        assert (done.code, done.err) == (1, "")
        said = f"Refused {tag} seals another {path} than HEAD's: that of commit {sealed[:10]}\n"
        assert said in done.out
        assert "hint: mlver verify --all\n" in done.out
        assert f"hint: git log -p -- {path}\n" in done.out
        assert "sealed already" not in done.out
    assert "hint: mlver tag\n" not in second.mlver("doctor").out


def test_tag_says_no_to_a_tag_that_names_what_no_commit_has(second: Repository) -> None:
    second.git("tag", "--force", "--annotate", "-m", OTHER_SEAL, TAG, f"{TAG}^{{commit}}")
    shut = second.mlver("promote", "digits@1.1.0", "--to", "staging", "-m", "why")
    assert shut.code == 1
    assert "hint: mlver verify digits@1.1.0\n" in shut.out
    for shown in (shut.out, second.mlver("doctor").out):
        assert "hint: mlver tag\n" not in shown
    done = second.mlver("tag", "--dry-run")
    assert (done.code, done.err) == (1, "")
    assert f"Refused {TAG} names sha256:{'0' * 64}, which" in done.out
    assert f"hint: git tag -d {TAG}\n" in done.out
    assert "hint: mlver tag\n" in done.out
    second.git("tag", "-d", TAG)
    assert assert_works(second, "tag").startswith(f"Sealed {TAG}")
    assert assert_works(second, "verify", "--all").startswith("All is well")


def test_a_tag_that_seals_another_record_is_not_pushed(
    second: Repository, origin: Repository
) -> None:
    origin.git("tag", "-d", TAG)
    second.git("tag", "--force", "--annotate", "-m", OTHER_SEAL, TAG, f"{TAG}^{{commit}}")
    done = second.mlver("tag", "--push")
    assert done.code == 1
    assert "pushed 0 tags to origin" in done.out
    assert TAG not in origin.git("tag", "--list")


def make_rival(second: Repository, tmp_path: Path, message: str | None = None) -> Repository:
    """A clone whose tag is another object than the one that origin has."""
    clone = copy_repository(second, tmp_path / "clone")
    body = message or second.git("tag", "--list", "--format=%(contents)", TAG) + "\n\n"
    clone.git("-c", "user.name=Lee", "tag", "-f", "-a", "-m", body, TAG, f"{TAG}^{{commit}}")
    assert clone.git("rev-parse", TAG) != second.git("rev-parse", TAG)
    return clone


def test_two_tag_objects_for_one_record_are_told_with_the_way_out(
    second: Repository, origin: Repository, tmp_path: Path
) -> None:
    clone = make_rival(second, tmp_path)
    done = clone.mlver("tag", "--push")
    assert (done.code, done.err) == (1, "")
    said = f"{TAG} is another object here than at origin, for one record"
    assert said in done.out
    told = clone.mlver("doctor")
    assert told.code == 0
    for shown in (done.out, told.out):
        assert f"hint: git tag -d {TAG}\n" in shown
        assert f"hint: git fetch origin tag {TAG}\n" in shown
    assert "is another object here than at origin" in " ".join(told.out.split())
    clone.git("tag", "-d", TAG)
    clone.git("fetch", "--quiet", "origin", "tag", TAG)
    assert assert_works(clone, "tag", "--push").endswith("pushed 0 tags to origin\n")
    assert "another object" not in " ".join(clone.mlver("doctor").out.split())
    clone.git("fetch", "--quiet", "--tags")


def test_release_takes_over_the_remotes_tag_of_the_same_record(
    second: Repository, origin: Repository, tmp_path: Path
) -> None:
    clone = make_rival(second, tmp_path)
    own = clone.git("rev-parse", TAG)
    assert clone.mlver("release", "--dry-run").code in (0, 3)
    assert clone.git("rev-parse", TAG) == own
    assert assert_works(clone, "release").startswith(f"Found {TAG}  at origin")
    assert clone.git("rev-parse", TAG) == origin.git("rev-parse", TAG)
    clone.git("fetch", "--quiet", "--tags")
    assert assert_works(clone, "verify", "digits@1.1.0").startswith("All is well")


def test_release_keeps_its_own_tag_where_the_remotes_seals_another_record(
    second: Repository, origin: Repository, tmp_path: Path
) -> None:
    clone = make_rival(second, tmp_path, OTHER_SEAL)
    origin.git("tag", "-d", TAG)
    clone.git("push", "--quiet", "origin", f"refs/tags/{TAG}")
    own = second.git("rev-parse", TAG)
    assert second.mlver("release").code == 1
    assert second.git("rev-parse", TAG) == own
    done = second.mlver("tag", "--push")
    assert done.code == 1
    assert f"{TAG} seals another record than origin's tag of this name" in done.out


def test_release_keeps_the_seal_of_a_record_whose_number_another_took(
    first: Repository, tmp_path: Path
) -> None:
    """The hints lead to a seal of each record."""
    clash = clash_versions(first, tmp_path)
    lee = clash.lee
    own_tag = lee.git("rev-parse", TAG)
    for command in (("release",), ("release", "--dry-run")):
        done = lee.mlver(*command)
        assert (done.code, done.err) == (1, "")
        assert f"Refused {RECORD} is sealed at origin, and the tag {TAG} here seals" in done.out
        assert "hint: git pull --no-rebase origin main\n" in done.out
        assert "hint: mlver resolve\n" in done.out
        assert f"Found {TAG}" not in done.out
        assert lee.git("rev-parse", TAG) == own_tag
    assert pull_main(lee).code == 1
    assert_works(lee, "resolve")
    lee.git("-c", "core.editor=:", "commit", "--quiet", "--no-edit")
    lee.git("fetch", "--quiet", "--tags", "origin")
    assert_works(lee, "tag")
    broken = read_document(lee.mlver("verify", "--all", "--json"), "verify")["broken"]
    # Nothing but the bytes of Kim's version, which never came here.
    assert [finding["kind"] for finding in broken] == ["object"]


@pytest.mark.parametrize("options", [(), ("--annotate", "-m", "Mine"), ("-a", "-m", OTHER_SEAL)])
def test_release_moves_no_tag_that_seals_another_thing(
    second: Repository, origin: Repository, options: tuple[str, ...]
) -> None:
    second.git("tag", "--force", *options, TAG, f"{TAG}^{{commit}}")
    own_tag = second.git("rev-parse", TAG)
    done = second.mlver("release")
    assert (done.code, done.err) == (1, "")
    reason = "another record" if OTHER_SEAL in options else "nothing"
    assert (
        f"Refused {RECORD} is sealed at origin, and the tag {TAG} here seals {reason}" in done.out
    )
    assert f"hint: git tag -d {TAG}\n" in done.out
    assert "hint: mlver release\n" in done.out
    assert second.git("rev-parse", TAG) == own_tag
    second.git("tag", "-d", TAG)
    assert assert_works(second, "release").startswith(f"Found {TAG}  at origin")


def test_doctor_goes_on_where_the_remote_does_not_answer(second: Repository) -> None:
    second.git("remote", "add", "origin", "../nowhere.git")
    done = second.mlver("doctor")
    assert done.code == 0
    assert "origin could not be asked for its tags" in " ".join(done.out.split())


@pytest.fixture
def adopted(repository: Repository, tmp_path: Path) -> Repository:
    """Adopted from a tag that has the name of a seal, as GTO makes it; pushed."""
    origin = Repository(tmp_path / "origin.git")
    repository.git("init", "--quiet", "--bare", str(origin.path))
    repository.git("remote", "add", "origin", str(origin.path))
    repository.write("w.bin", "weights")
    repository.commit()
    repository.git("tag", "-a", "-m", "First", "m@v1.0.0")
    assert_works(repository, "init")
    repository.commit("Init")
    assert_works(repository, "adopt", "m", "--weights", "w.bin")
    repository.git("push", "--quiet", "--tags", "--set-upstream", "origin", "main")
    return repository


def test_release_and_event_accept_an_adopted_version(adopted: Repository) -> None:
    assert assert_works(adopted, "verify", "--all").startswith("All is well")
    assert assert_works(adopted, "tag") == "every record on HEAD is sealed already\n"
    assert (
        assert_works(adopted, "release") == "origin has a tag of every record on its main already\n"
    )
    event = read_document(adopted.mlver("event", "m@v1.0.0", "--json"), "event")
    assert (event["verified"], event["problems"]) == (True, [])
    assert (event["version"], event["artifacts"]["weights"]["path"]) == ("1.0.0", "w.bin")
    # where the job has checked out the tag's own commit
    adopted.git("checkout", "--quiet", "m@v1.0.0")
    assert adopted.mlver("event", "m@v1.0.0").code == 0


def test_an_adopted_tag_that_only_is_here_is_released(adopted: Repository) -> None:
    adopted.git("push", "--quiet", "origin", ":refs/tags/m@v1.0.0")
    assert "Pushed m@v1.0.0  to origin" in assert_works(adopted, "release")


@pytest.mark.parametrize("change", ["moved", "edited"])
def test_release_and_event_refuse_an_adopted_version_that_changed(
    adopted: Repository, change: str
) -> None:
    path = adopted.path / ".mlver/models/m/versions/1.0.0.yaml"
    if change == "moved":
        adopted.git("tag", "-f", "-a", "-m", "Other", "m@v1.0.0", "m@v1.0.0^{commit}")
    else:
        path.write_text(path.read_text().replace("message: ", "message: Not "))
        adopted.commit("Polish")
    adopted.git("push", "--quiet", "--force", "--tags", "origin", "main")
    assert adopted.mlver("release").code == 1
    assert adopted.mlver("event", "m@v1.0.0").code == 1
    assert adopted.mlver("tag").code == 1
