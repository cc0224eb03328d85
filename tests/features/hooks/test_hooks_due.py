"""On request, git says after a commit on the main branch that a model is due for training."""

from __future__ import annotations

import pytest

from tests.conftest import Repository
from tests.features.hooks.hooks import HookedRepository, with_hooks

SAID = "mlver: digits 1.0.0 is due for another training: data train"


@pytest.fixture
def here(first: Repository) -> HookedRepository:
    here = with_hooks(first)
    done = here.mlver("hook", "install", "--due")
    assert (done.code, done.err) == (0, "")
    return here


def make_work(here: HookedRepository, name: str) -> str:
    here.write(name, "work\n")
    here.git("add", name)
    return here.assert_passes("commit", "-m", name)


def test_a_commit_on_main_says_what_is_due(here: HookedRepository) -> None:
    assert "mlver:" not in make_work(here, "one")
    here.write("data/train.csv", "a,b\n1,3\n")
    said = make_work(here, "two").splitlines()
    assert said.index("  hint: mlver due digits") == said.index(SAID) + 1


def test_other_branches_say_nothing_and_their_merge_does(here: HookedRepository) -> None:
    here.write("data/train.csv", "a,b\n1,3\n")
    here.git("switch", "--quiet", "-c", "topic")
    assert "mlver:" not in make_work(here, "one")
    here.git("switch", "--quiet", "main")
    assert SAID in here.assert_passes("merge", "--ff-only", "topic")


def test_only_who_asks_for_it_gets_it(first: Repository) -> None:
    plain = with_hooks(first)
    assert plain.mlver("hook", "install").code == 0
    assert not (plain.path / ".git/hooks/post-commit").exists()
    assert "post-commit" not in plain.mlver("hook", "status").out
    assert plain.mlver("hook", "install", "--due").code == 0
    assert "post-commit" in plain.mlver("hook", "status").out
