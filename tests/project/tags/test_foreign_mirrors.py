"""Tags in GTO's way that somebody else made: none is believed, and none is in the way of a seal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

_FORGED = "By hand\n\nMlver-Mirrors: m@production.{}"


@pytest.fixture
def mirrored(promoted_repository: Repository, tmp_path: Path) -> Repository:
    """A project with 1.0.0 and 1.1.0 in turn in production, which makes GTO's tags from now on."""
    assert_works(promoted_repository, "config", "set", "tags.mirror", "gto")
    promoted_repository.commit("Make GTO's tags")
    remote = tmp_path / "remote.git"
    promoted_repository.git("init", "--quiet", "--bare", str(remote))
    promoted_repository.git("remote", "add", "origin", str(remote))
    promoted_repository.git("push", "--quiet", "origin", "main")
    return promoted_repository


def forge_tag(repository: Repository, name: str, message: str, version: str) -> None:
    repository.git("tag", "--annotate", "--message", message, name, f"m@v{version}^{{}}")


def list_stage_tags(repository: Repository) -> list[str]:
    return repository.git("tag", "--list", "m#*").split()


def list_published(repository: Repository) -> str:
    return repository.git("ls-remote", "origin")


def test_a_number_beyond_all_is_named_and_the_seals_are_pushed(mirrored: Repository) -> None:
    forge_tag(mirrored, "m#production#999999999", "x", "1.0.0")
    refused = mirrored.mlver("tag", "--push")
    assert refused.code == 1
    assert "Refused m#production m#production#999999999 leaves no number" in refused.out
    assert "hint: git tag -d 'm#production#999999999'" in refused.out
    assert list_stage_tags(mirrored) == ["m#production#999999999"]
    assert "refs/tags/m@production.2" in list_published(mirrored)
    mirrored.git("tag", "-d", "m#production#999999999")
    assert "Mirrored m#production#1" in assert_works(mirrored, "tag")


def test_a_name_that_is_taken_is_named_and_the_seals_are_pushed(mirrored: Repository) -> None:
    """A folder of that name: git can make no tag beside it."""
    forge_tag(mirrored, "m#production#1/x", "x", "1.0.0")
    for command in ("tag --push", "release"):
        refused = read_document(mirrored.mlver(*command.split(), "--json"), command.split()[0])
        (finding,) = refused["refused"]
        assert finding["subject"] == "m#production#1"
        assert "was not made for GTO: git could not make the tags" in finding["message"]
        assert refused["mirrored"] == []
    assert "refs/tags/m@production.2" in list_published(mirrored)


def test_a_remote_that_takes_no_such_tags_takes_the_seals(
    mirrored: Repository, tmp_path: Path
) -> None:
    hook = tmp_path / "remote.git" / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in *#*) echo no such tags >&2; exit 1;; esac\n")
    hook.chmod(0o755)
    refused = mirrored.mlver("tag", "--push")
    assert refused.code == 1
    assert "Refused m#production#1 was not pushed for GTO" in refused.out
    assert "refs/tags/m@production.2" in list_published(mirrored)
    assert mirrored.mlver("release").code == 1


def test_a_message_alone_makes_no_mirror(mirrored: Repository) -> None:
    forge_tag(mirrored, "m#production#1", _FORGED.format(2), "1.0.0")
    assert_works(mirrored, "tag", "--push")
    assert list_stage_tags(mirrored) == ["m#production#1", "m#production#2"]
    assert mirrored.git("rev-parse", "m#production#2^{}") == mirrored.git(
        "rev-parse", "m@v1.1.0^{}"
    )
    assert "m#production#1" not in list_published(mirrored)
    assert "m#production#2" in list_published(mirrored)


@pytest.mark.parametrize(
    ("name", "sequence", "version"),
    [
        ("m#production#2", 2, "1.0.0"),
        ("m#production!#2", 2, "1.1.0"),
        ("m#production#2", 9, "1.1.0"),
        ("m#production#2", 1, "1.0.0"),
        ("m#production#2", 1, "1.1.0"),
    ],
    ids=["other-commit", "withdrawn", "no-promotion", "earlier-promotion", "earlier-elsewhere"],
)
def test_a_forged_tag_that_moves_the_stage_is_named_and_stays_here(
    mirrored: Repository, name: str, sequence: int, version: str
) -> None:
    assert_works(mirrored, "tag")
    forge_tag(mirrored, name, _FORGED.format(sequence), version)
    refused = mirrored.mlver("tag", "--push")
    assert refused.code == 1
    assert f"Refused {name} moves production for GTO, and no record says so" in refused.out
    assert mirrored.mlver("release").code == 1
    assert name not in list_published(mirrored)
    assert "m#production#1" in list_published(mirrored)


def test_a_promotion_of_another_branch_is_known_by_its_seal(mirrored: Repository) -> None:
    assert_works(mirrored, "tag")
    mirrored.git("switch", "--quiet", "--create", "later")
    assert_works(mirrored, "promote", "m@1.0.0", "--to", "production", "-m", "Better")
    mirrored.git("switch", "--quiet", "main")
    assert list_stage_tags(mirrored) == ["m#production#1", "m#production#2"]
    assert_works(mirrored, "tag")


def test_a_date_after_all_others_is_named(mirrored: Repository) -> None:
    commit = mirrored.git("rev-parse", "m@v1.0.0^{}").strip()
    header = f"object {commit}\ntype commit\ntag m#production#1\n"
    tagger = "tagger A <a@example.org> 999999999999999 +0000\n"
    made = mirrored.path / "tag.txt"
    made.write_text(f"{header}{tagger}\nx\n")
    arguments = ("hash-object", "-t", "tag", "-w", "--literally", str(made))
    object_id = mirrored.git(*arguments).strip()
    made.unlink()
    mirrored.git("update-ref", "refs/tags/m#production#1", object_id)
    refused = mirrored.mlver("tag")
    assert refused.code == 1
    assert "m#production#1 is dated at the end of the year 9999 or later" in refused.out
    assert "hint: git tag -d 'm#production#1'" in refused.out
    assert list_stage_tags(mirrored) == ["m#production#1"]
