"""What honest people do: the work on a branch, how it lands on main, and how it is cloned."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import copy_repository
from tests.conftest import Repository
from tests.copies import copy_folder
from tests.forgeries.commits import ALICE, FORGE, KIM, Identity
from tests.forgeries.ground import (
    HOUR,
    WEAK_SETTINGS,
    Ground,
    StoryTeller,
    assert_works_aloud,
    at_time,
)

BOB = Identity("Bob", "bob@example.org")
DAY = 24 * HOUR
Work = Callable[[StoryTeller], None]

# -- the work --------------------------------------------------------------------------------------


def register_next(teller: StoryTeller) -> None:
    teller.work(5)
    teller.step("register", "digits", "--bump", "minor", "-m", "Fifth")


def register_reproducibly(teller: StoryTeller) -> None:
    """Fix the date of a version, as builds do that are to give the same bytes again."""
    teller.work(5)
    teller.now += HOUR
    with at_time(teller.now), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(teller.now - 300 * DAY))
        assert_works_aloud(
            teller.repository, "register", "digits", "--bump", "minor", "-m", "Fifth"
        )


def promote_to_staging(teller: StoryTeller) -> None:
    teller.step("promote", "digits@1.2.0", "--to", "staging", "-m", "Try the third")


def promote_to_production(teller: StoryTeller) -> None:
    promote_to_staging(teller)
    teller.step("promote", "digits@1.2.0", "--to", "production", "-m", "Release the third")


def promote_by_force(teller: StoryTeller) -> None:
    teller.step("promote", "digits@1.2.0", "--to", "production", "-m", "Now", "--force")


def roll_back(teller: StoryTeller) -> None:
    teller.step("rollback", "digits", "--stage", "production", "-m", "It was worse")


def register_and_promote(teller: StoryTeller) -> None:
    register_next(teller)
    teller.step("promote", "digits@1.3.0", "--to", "staging", "-m", "Try the fifth")


def describe_stage(teller: StoryTeller) -> None:
    """Change settings that judge nothing, and promote."""
    _commit_settings(
        teller,
        teller.repository.path.joinpath(layout.CONFIG)
        .read_text()
        .replace("  production:\n", "  production:\n    description: Serves users\n")
        .encode(),
        KIM,
    )
    promote_to_staging(teller)


def start_second_model(teller: StoryTeller) -> None:
    teller.repository.write("words.bin", "weights of words\n")
    teller.repository.write(".gitignore", "/model.bin\n/words.bin\n")
    teller.now += HOUR
    with at_time(teller.now):
        teller.repository.commit("Another model")
    teller.step("register", "words", "--weights", "words.bin", "-m", "Words")
    teller.step("promote", "words@1.0.0", "--to", "staging", "-m", "Try words")


def adopt_old_tags(teller: StoryTeller, ahead: int = 0) -> None:
    teller.repository.write("old.bin", "weights of old\n")
    teller.now += HOUR
    with at_time(teller.now):
        teller.repository.commit("What was there before")
    with at_time(teller.now + ahead):
        teller.repository.git("tag", "-a", "-m", "By hand", "old@v0.1.0")
        teller.repository.git("tag", "-a", "-m", "It serves", "old#staging#1")
    teller.step("adopt", "old", "--weights", "old.bin")


def adopt_tags_of_a_fast_clock(teller: StoryTeller) -> None:
    adopt_old_tags(teller, ahead=DAY)


def tighten_rule(teller: StoryTeller) -> None:
    _ask_for_canary(teller)
    teller.step("promote", "digits@1.2.0", "--to", "canary", "-m", "Try a little")


def _ask_for_canary(teller: StoryTeller) -> None:
    settings = teller.repository.path.joinpath(layout.CONFIG).read_text()
    stricter = settings.replace("  staging:\n", "  canary:\n    verified: true\n  staging:\n")
    stricter = stricter.replace("after: [staging]", "after: [staging, canary]")
    _commit_settings(teller, stricter.encode(), BOB)


WORKS: Mapping[str, Work] = {
    "a version": register_next,
    "a reproducible version": register_reproducibly,
    "a promotion to staging": promote_to_staging,
    "a promotion to production": promote_to_production,
    "a promotion by force": promote_by_force,
    "a rollback": roll_back,
    "a version and its promotion": register_and_promote,
    "a description": describe_stage,
    "a second model": start_second_model,
    "adopted tags": adopt_old_tags,
    "adopted tags of a fast clock": adopt_tags_of_a_fast_clock,
    "a stricter rule": tighten_rule,
}


def _commit_settings(teller: StoryTeller, data: bytes, author: Identity) -> None:
    teller.now += HOUR
    teller.repository.write(layout.CONFIG, data)
    with at_time(teller.now, author):
        teller.repository.git("commit", "--quiet", "--message", "Settings", layout.CONFIG)


def relax_for_a_quarter(teller: StoryTeller, promote: Work) -> None:
    """Relax the rule on main, promote a month later, restore it two months after that."""
    strong = teller.repository.path.joinpath(layout.CONFIG).read_bytes()
    _commit_settings(teller, WEAK_SETTINGS, BOB)
    teller.now += 30 * DAY
    promote(teller)
    teller.now += 60 * DAY
    _commit_settings(teller, strong, ALICE)


def drop_gate_for_good(teller: StoryTeller) -> None:
    """Drop a gate, promote the day after, ask for another one months later."""
    _commit_settings(teller, WEAK_SETTINGS, KIM)
    teller.now += DAY
    promote_to_production(teller)
    teller.now += 90 * DAY
    words = b"  production:\n"
    stricter = WEAK_SETTINGS.replace(words, words + b"    after: [canary]\n")
    _commit_settings(teller, stricter.replace(b"stages:\n", b"stages:\n  canary: {}\n"), ALICE)


# -- how it lands ----------------------------------------------------------------------------------


def build_branch(ground: Ground, work: Work, to: Path) -> StoryTeller:
    """Copy the ground and do the work on the branch `work`."""
    repository = copy_repository(ground.repository, to)
    repository.git("switch", "--quiet", "-c", "work")
    teller = StoryTeller(repository, ground.now)
    work(teller)
    return teller


class Landing:
    """Brings the branch `work` to main, as Bob, who looks after main."""

    def __init__(self, teller: StoryTeller) -> None:
        self.teller = teller
        self.repository = teller.repository

    def git(self, *words: str, author: Identity | None = BOB, committer: Identity = BOB) -> None:
        """Run git an hour later; without an author, that of each commit stays."""
        self.teller.now += HOUR
        with at_time(self.teller.now, committer):
            environment = None
            if author is not committer:
                environment = _name_author(author)
            _run(self.repository, words, environment)

    def land_fast_forward(self) -> None:
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "work")

    def land_merge(self) -> None:
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", "work")

    def land_later_merge(self) -> None:
        """Main has moved on meanwhile."""
        self._move_main_on()
        self.git("merge", "--quiet", "--no-edit", "work")

    def land_swapped_parents(self) -> None:
        """Kim pulls main into the branch and pushes that, as `git pull` makes people do."""
        self._move_main_on()
        self.git("switch", "--quiet", "work", author=KIM, committer=KIM)
        self.git("merge", "--quiet", "--no-edit", "main", author=KIM, committer=KIM)
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "work")

    def land_criss_cross(self) -> None:
        self._move_main_on()
        self.git("switch", "--quiet", "work", author=KIM, committer=KIM)
        self.git("merge", "--quiet", "--no-edit", "main", author=KIM, committer=KIM)
        self._move_main_on("more.txt")
        self.git("merge", "--quiet", "--no-edit", "work")

    def land_octopus(self) -> None:
        self._move_main_on()
        self.git("merge", "--quiet", "--no-edit", "other", "work")

    def land_squash(self) -> None:
        """The forge squashes: the author stays, the forge commits."""
        self._squash(KIM, FORGE)

    def land_colleague_squash(self) -> None:
        self._squash(BOB, BOB)

    def land_rebase(self) -> None:
        self._move_main_on()
        self._forget_seals()
        self.git("rebase", "--quiet", "main", "work", author=None)
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "work")

    def _squash(self, author: Identity, committer: Identity) -> None:
        self._move_main_on()
        self._forget_seals()
        self.git("merge", "--quiet", "--squash", "work")
        self.git("commit", "--quiet", "-m", "Work (#1)", author=author, committer=committer)

    def _forget_seals(self) -> None:
        """Delete the seals that the branch made: nobody pushed them."""
        listing = self.repository.git("tag", "--no-merged", "main", "--list", "*@*")
        # what is adopted keeps the tag that it was adopted from
        made = [tag for tag in listing.splitlines() if not tag.startswith("old@")]
        if made:
            self.repository.git("tag", "--delete", *made)

    def _move_main_on(self, name: str = "meanwhile.txt") -> None:
        self.git("switch", "--quiet", "main")
        self.repository.write(name, "other work\n")
        self.git("add", name)
        self.git("commit", "--quiet", "-m", "Other work")


def land_after_waiting_rule(teller: StoryTeller) -> None:
    """Promote on a branch while a stricter rule waits on another, which lands first."""
    git = teller.repository.git
    git("switch", "--quiet", "-c", "rules")
    _ask_for_canary(teller)
    git("switch", "--quiet", "-c", "work", "main")
    teller.now += DAY
    promote_to_production(teller)
    git("switch", "--quiet", "main")
    landing = Landing(teller)
    landing.git("merge", "--quiet", "--no-ff", "-m", "Stricter", "rules")
    landing.land_squash()


LANDINGS: Mapping[str, Callable[[Landing], None]] = {
    "fast-forward": Landing.land_fast_forward,
    "merge": Landing.land_merge,
    "later merge": Landing.land_later_merge,
    "swapped parents": Landing.land_swapped_parents,
    "criss-cross": Landing.land_criss_cross,
    "octopus": Landing.land_octopus,
    "squash": Landing.land_squash,
    "squash by a colleague": Landing.land_colleague_squash,
    "rebase": Landing.land_rebase,
}


def _name_author(author: Identity | None) -> dict[str, str | None]:
    if author is None:
        return dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"))
    return {"GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.address}


def _run(
    repository: Repository, words: tuple[str, ...], changed: Mapping[str, str | None] | None
) -> None:
    environment = dict(os.environ)
    for name, value in (changed or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    done = subprocess.run(
        ["git", *words], cwd=repository.path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)


# -- how it is cloned ------------------------------------------------------------------------------

CLONES: Mapping[str, tuple[str, ...]] = {
    "whole": (),
    "shallow": ("--depth=1",),
    "a little deeper": ("--depth=4",),
    "without tags": ("--no-tags",),
}
# Of these ways each landing is cloned in an ordinary run: in others with each commit. A long run
# tries them all.
ORDINARY_CLONES = 3


def choose_clones(number: int, turn: int) -> frozenset[str]:
    """Choose how the landing of this number is cloned in an ordinary run.

    The landing after it leaves out the next way, so that each work is cloned in every way.
    """
    names = tuple(CLONES)
    start = number + turn
    return frozenset(names[(start + step) % len(names)] for step in range(ORDINARY_CLONES))


def clone_repository(repository: Repository, to: Path, words: tuple[str, ...]) -> Repository:
    """Clone what main holds, with every byte that is kept beside it."""
    address = repository.path.as_uri()
    repository.git("clone", "--quiet", "--branch=main", *words, address, str(to))
    copy_folder(repository.path / ".git/mlver", to / ".git/mlver")
    return Repository(to)
