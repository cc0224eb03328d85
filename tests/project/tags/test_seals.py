"""Which tags seal a record, and which records are trusted for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.chain import judge_seal
from mlver.project.edit import planned_tags
from mlver.project.project import Project
from mlver.project.tags import seals, trust
from mlver.records import layout
from tests.conftest import Repository
from tests.project.helpers import edit_file, register_one, write_artifact

FIRST = layout.version_path("m", "1.0.0")


def broken_seals(project: Project, number: str = "1.0.0") -> list[str]:
    digest = project.registry.read_version_digest("m", number)
    assert digest is not None
    return [
        link.message
        for link in judge_seal(
            "m", number, digest, seals.read_seals(project, "m", [number])[number]
        )
    ]


def test_a_registered_version_is_sealed(story: Project, promoted_repository: Repository) -> None:
    assert broken_seals(story) == broken_seals(story, "1.1.0") == []
    assert set(map(str, seals.list_tagged_versions(story, "m"))) == {"1.0.0", "1.1.0"}
    record, digest = story.registry.read_version("m", "1.0.0")
    planned = planned_tags.plan_version_tag(record, (promoted_repository.path / FIRST).read_bytes())
    assert planned.message == f"m 1.0.0\n\nwhy\n\nMlver-Record: {digest}\n"
    assert (
        promoted_repository.git("for-each-ref", "--format=%(contents)", "refs/tags/m@v1.0.0")
        == planned.message
    )


def test_a_tag_that_moves_is_told_however_often_it_was_looked_at(
    story: Project, promoted_repository: Repository
) -> None:
    assert broken_seals(story) == []
    promoted_repository.git("commit", "--quiet", "--allow-empty", "--message", "Elsewhere")
    promoted_repository.git("rm", "--quiet", FIRST)
    promoted_repository.git("commit", "--quiet", "--message", "Gone")
    message = promoted_repository.git("for-each-ref", "--format=%(contents)", "refs/tags/m@v1.0.0")
    promoted_repository.git("tag", "--force", "--annotate", "--message", message, "m@v1.0.0")
    promoted_repository.git("checkout", "--quiet", "HEAD~1", "--", FIRST)
    assert broken_seals(story) == ["points at a commit that does not hold the record"]


def test_what_the_cache_says_of_commits_may_fool_who_looks_but_not_who_decides(
    story: Project, promoted_repository: Repository
) -> None:
    commit = promoted_repository.git("rev-parse", "m@v1.0.0^{commit}")
    story.state.keep_committed({f"{commit}:{FIRST}": "0" * 64})
    assert broken_seals(story.cached) != []
    assert broken_seals(story) == []


def test_a_claim_on_the_seal_in_the_message_is_no_seal(
    story: Project, promoted_repository: Repository
) -> None:
    write_artifact(promoted_repository, "w", {"a": "three"})
    register_one(story, bump="patch", message=f"why\n\nMlver-Record: sha256:{'00' * 32}")
    assert broken_seals(story, "1.1.1") == []


TAGS: dict[str, tuple[list[str], str]] = {
    "deleted": ([], "no tag seals this record"),
    "lightweight": (["m@v1.0.0"], "is a lightweight tag"),
    "without a seal": (
        ["--annotate", "--message", "m", "m@v1.0.0", "m@v1.1.0^{commit}"],
        "no Mlver-Record line",
    ),
    "another's": (
        ["--annotate", "--file", "{seal of 1.1.0}", "m@v1.0.0", "m@v1.1.0^{commit}"],
        "another record",
    ),
    "of the first commit": (
        ["--annotate", "--file", "{seal of 1.0.0}", "m@v1.0.0", "{root}"],
        "does not hold",
    ),
    "of a tree": (
        ["--annotate", "--file", "{seal of 1.0.0}", "m@v1.0.0", "HEAD^{tree}"],
        "does not hold",
    ),
}


@pytest.mark.parametrize(("made", "words"), TAGS.values(), ids=TAGS)
def test_a_tag_moved_by_hand_seals_nothing(
    story: Project, promoted_repository: Repository, tmp_path: Path, made: list[str], words: str
) -> None:
    named = {"{root}": promoted_repository.git("rev-list", "--max-parents=0", "HEAD")}
    for number in ("1.0.0", "1.1.0"):
        (tmp_path / number).write_text(
            promoted_repository.git(
                "for-each-ref", "--format=%(contents)", f"refs/tags/m@v{number}"
            )
        )
        named[f"{{seal of {number}}}"] = str(tmp_path / number)
    promoted_repository.git("tag", "--delete", "m@v1.0.0")
    if made:
        promoted_repository.git("tag", *(named.get(word, word) for word in made))
    assert any(words in message for message in broken_seals(story))
    record, digest = story.registry.read_version("m", "1.0.0")
    if made:
        with pytest.raises(MlverError, match=r"m 1\.0\.0 cannot be trusted"):
            trust.require_unedited(story, record, digest)
    else:
        trust.require_unedited(story, record, digest)
        trust.require_trusted(story, record, digest, vouched=[digest])
    with pytest.raises(MlverError, match="cannot be trusted"):
        trust.require_trusted(story, record, digest, vouched=[])


def test_an_edited_record_is_not_trusted_whoever_vouches(
    story: Project, promoted_repository: Repository
) -> None:
    edit_file(promoted_repository, FIRST, "message: why", "message: because")
    record, digest = story.registry.read_version("m", "1.0.0")
    with pytest.raises(MlverError, match="was edited after its tag sealed it"):
        trust.require_trusted(story, record, digest, vouched=[digest])


def test_strange_tags_are_no_versions(story: Project, promoted_repository: Repository) -> None:
    for name in ("m@v1.0", "m@vx", "m@v1.0.0+b", "m", "mm@v9.0.0", "x/m@v8.0.0", "m@v7.0.0/x"):
        promoted_repository.git("tag", name)
    assert set(map(str, seals.list_tagged_versions(story, "m"))) == {"1.0.0", "1.1.0"}
    assert seals.read_seals(story, "m", []) == {}


def test_a_digest_is_of_bytes_not_of_meaning(
    story: Project, promoted_repository: Repository
) -> None:
    before = story.registry.read_version_digest("m", "1.0.0")
    with (promoted_repository.path / FIRST).open("ab") as file:
        file.write(b"\n")
    assert (
        story.registry.read_version_digest("m", "1.0.0")
        == Digest.of_bytes((promoted_repository.path / FIRST).read_bytes())
        != before
    )
    assert broken_seals(story) == ["was edited after its tag sealed it"]
