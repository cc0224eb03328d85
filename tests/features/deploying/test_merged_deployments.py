"""Two clones deployed to one target: the records of one follow those of the other."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import RECORDS, list_records, promote
from tests.features.deploying.test_deploy import read_chain
from tests.features.merging.merges import assert_verifies, resolve_merge, run_git


def part(deployed: Repository) -> None:
    """Deploy on two branches: on `main` the version before `production` moved, with other words."""
    deployed.git("branch", "yours")
    folder = deployed.path / "serving"
    (folder / "stable").unlink()
    assert_works(deployed, "deploy", "host", "-m", "mine")
    deployed.git("switch", "--quiet", "yours")
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host", "-m", "yours")
    deployed.git("switch", "--quiet", "main")
    assert run_git(deployed, "merge", "--quiet", "yours") == 1


def test_records_of_two_branches_are_counted_on(deployed: Repository) -> None:
    part(deployed)
    result = resolve_merge(deployed, "theirs")
    moved = {record.old: record.new for record in result.rewritten}
    assert moved == {f"{RECORDS}/0002.yaml": f"{RECORDS}/0003.yaml"}
    deployed.git("commit", "--quiet", "--no-edit")
    assert list_records(deployed) == ["0001.yaml", "0002.yaml", "0003.yaml"]
    assert [record.message for record in read_chain(deployed)] == ["", "mine", "yours"]
    assert_verifies(deployed)
    assert_works(deployed, "deploy", "host")
    assert list_records(deployed) == ["0001.yaml", "0002.yaml", "0003.yaml"]


def test_versions_and_promotions_that_got_other_numbers_are_named_by_these(
    deployed: Repository,
) -> None:
    deployed.git("branch", "yours")
    deployed.write("params.yaml", "lr: 0.5\n")
    deployed.commit("Mine")
    assert_works(deployed, "register", "digits", "--version", "1.2.0", "-m", "Mine")
    promote(deployed, "1.2.0")
    deployed.git("switch", "--quiet", "yours")
    deployed.write("params.yaml", "lr: 0.7\n")
    deployed.commit("Yours")
    deployed.git("tag", "--delete", "digits@v1.2.0", "digits@production.2")
    assert_works(deployed, "register", "digits", "--version", "1.2.0", "-m", "Yours")
    promote(deployed, "1.2.0")
    assert_works(deployed, "deploy", "host", "-m", "yours")
    assert run_git(deployed, "checkout", "--quiet", "main") == 0
    run_git(deployed, "merge", "--quiet", "yours")
    resolve_merge(deployed, "theirs")
    served = read_chain(deployed)[-1].roles["stable"]
    assert served.version != "1.2.0"
    assert served.sequence == 3
