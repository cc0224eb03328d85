"""Tags that other tools made, turned into records: what is pinned, what is left, and what vouches
for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.adopting.foreign import LFS, cached, left, pointer, sha256, tagged

RECORD = ".mlver/models/digits/versions/1.0.0.yaml"


@pytest.fixture
def gto(repository: Repository) -> Repository:
    """Two versions and a stage of GTO's; the weights are with DVC, whose cache holds both."""
    repository.write(".gitignore", "/models/m.pkl\n/.dvc/cache\n")
    repository.write("dvc.yaml", "artifacts:\n  digits:\n    path: models/m.pkl\n    type: model\n")
    for number in (1, 2):
        cached(repository, f"weights {number}")
        repository.write("models/m.pkl", f"weights {number}")
        repository.write("models/m.pkl.dvc", pointer("m.pkl", f"weights {number}"))
        repository.write("params.yaml", f"lr: 0.0{number}\n")
        repository.write("metrics.json", json.dumps({"accuracy": number / 4}))
        repository.commit(f"Training {number}")
        tagged(repository, f"digits@v{number}.0.0", f"digits#prod#{number}")
    assert_works(repository, "init")
    return repository


def test_what_mlver_made_for_those_who_go_by_gto_is_never_read_back(gto: Repository) -> None:
    assert_works(gto, "adopt")
    assert_works(gto, "config", "set", "tags.mirror", "gto")
    assert_works(gto, "rollback", "digits", "--stage", "prod", "-m", "Latency")
    assert gto.git("tag", "--list", "digits#prod#3") == "digits#prod#3"
    again = gto.mlver("adopt")
    assert (again.code, again.err) == (0, "")
    assert again.out == "nothing to adopt: 2 versions have their records already\n"


def tags(repository: Repository) -> str:
    return repository.git("for-each-ref", "--format=%(refname) %(objectname)")


def test_tags_of_gto_become_records_and_stay_where_they_are(gto: Repository) -> None:
    before = set(tags(gto).splitlines()[1:])
    assert assert_works(gto, "adopt", "--dry-run").endswith("nothing was written\n")
    assert assert_works(gto, "adopt") == (
        "Adopted 2 versions\n"
        f"  digits 1.0.0  models/m.pkl  1 file  9 B  {sha256('weights 1')[:19]}  kept by dvc\n"
        f"  digits 2.0.0  models/m.pkl  1 file  9 B  {sha256('weights 2')[:19]}  kept by dvc\n"
        "  prod of digits: 1.0.0 → 2.0.0\n"
        f"  commit {gto.git('rev-parse', '--short=10', 'HEAD')}, 2 new tags; no tag was moved\n"
        "  the records decide from now on; the tags of the other tool do not\n"
        "  prod moves without a look at the bytes (verified: false)\n"
        "  hint: mlver config set stages.prod.verified true\n"
        "  gto show will not see what mlver promotes, unless it makes GTO's tags\n"
        "  hint: mlver config set tags.mirror gto\n"
        "next: git push, and mlver tag --push\n"
    )
    made = {line.split()[0] for line in set(tags(gto).splitlines()[1:]) - before}
    assert made == {"refs/tags/digits@prod.1", "refs/tags/digits@prod.2"}
    assert before <= set(tags(gto).splitlines())
    assert gto.git("rev-list", "--count", "digits@v2.0.0..HEAD") == "1"
    record = read_document(gto.mlver("show", "digits@1.0.0", "--json"), "show")["record"]
    commit = gto.git("rev-parse", "digits@v1.0.0^{commit}")
    assert record["weights"]["digest"] == sha256("weights 1")
    assert (record["params"], record["metrics"]) == ({"lr": 0.01}, {"accuracy": 0.25})
    assert (record["message"], record["code"]["commit"]) == ("Says digits@v1.0.0", commit)
    assert record["extra"]["adopted"] == {
        "tag": "digits@v1.0.0",
        "object": gto.git("rev-parse", "refs/tags/digits@v1.0.0"),
        "commit": commit,
    }
    assert assert_works(gto, "adopt") == "nothing to adopt: 2 versions have their records already\n"


def test_a_stage_that_tags_give_on_after_it_was_adopted_is_told(gto: Repository) -> None:
    assert_works(gto, "adopt")
    assert gto.mlver("adopt").err == ""
    tagged(gto, "digits#prod#3")
    done = gto.mlver("adopt")
    assert (done.code, done.out) == (0, "nothing to adopt: 2 versions have their records already\n")
    said = (
        "digits#prod#3 came after the history of prod was adopted: "
        "mlver promote digits@VERSION --to prod -m WHY"
    )
    assert said in done.err


def test_what_was_adopted_is_vouched_for_by_history(gto: Repository) -> None:
    assert_works(gto, "adopt")
    landed = gto.git("rev-parse", "--short=10", "HEAD")
    assert "2 versions were adopted: their tags are older" in assert_works(gto, "verify", "--all")
    assert f"  sealed      adopted from digits@v1.0.0, by commit {landed}\n" in assert_works(
        gto, "show", "digits@1.0.0"
    )
    assert "sealed          adopted, and never" in assert_works(
        gto, "promote", "digits@1.0.0", "--to", "production", "-m", "x"
    )
    assert assert_works(gto, "tag") == "every record on HEAD is sealed already\n"
    assert "digits 2.0.0  promoted    prod: 1.0.0 → 2.0.0" in assert_works(gto, "log")
    assert assert_works(gto, "list").count("prod") == 2


def edited(repository: Repository, old: str = "Says digits", new: str = "Lies") -> None:
    where = repository.path / RECORD
    where.write_text(where.read_text().replace(old, new, 1))


def committed(repository: Repository) -> None:
    edited(repository)
    repository.commit()


def replaced(repository: Repository) -> None:
    """Deleted in one commit, and added otherwise in the next."""
    text = (repository.path / RECORD).read_text()
    (repository.path / RECORD).unlink()
    repository.commit()
    repository.write(RECORD, text.replace("Says digits", "Lies", 1))
    repository.commit()


def moved(repository: Repository) -> None:
    repository.git(
        "tag",
        "--force",
        "--annotate",
        "--message",
        "Another",
        "digits@v1.0.0",
        "digits@v1.0.0^{commit}",
    )


@pytest.mark.parametrize(
    "attack", [edited, committed, replaced, moved], ids=lambda attack: str(attack.__name__)
)
def test_adopted_is_no_way_round_the_seal(gto: Repository, attack: object) -> None:
    assert callable(attack)
    assert_works(gto, "adopt")
    attack(gto)
    said = (
        "is another tag than the one this version"
        if attack is moved
        else "digits 1.0.0 was edited after it was ado"
    )
    done = gto.mlver("verify", "digits@1.0.0")
    assert done.code == 1
    assert said in done.out
    assert gto.mlver("promote", "digits@1.0.0", "--to", "production", "-m", "x").code == 1
    rolled = gto.mlver("rollback", "digits", "--stage", "prod", "--to", "1.0.0", "-m", "x")
    assert (rolled.code, rolled.out) == (3, "")


def test_a_sealed_record_cannot_call_itself_adopted(gto: Repository) -> None:
    gto.write("w.bin", "w")
    assert_works(gto, "register", "m", "--weights", "w.bin", "-m", "First")
    path = ".mlver/models/m/versions/1.0.0.yaml"
    text = (gto.path / path).read_text().replace("message: First", "message: Lies")
    words = (gto.git("rev-parse", "refs/tags/m@v1.0.0"), gto.git("rev-parse", "m@v1.0.0^{commit}"))
    gto.write(
        path,
        text
        + 'extra:\n  adopted:\n    tag: m@v1.0.0\n    object: "{}"\n    commit: "{}"\n'.format(
            *words
        ),
    )
    gto.commit()
    done = gto.mlver("verify", "m@1.0.0")
    assert done.code == 1
    assert "m 1.0.0 was edited after its tag sealed it" in done.out


def test_a_clone_without_the_tags_makes_no_others(gto: Repository, tmp_path: Path) -> None:
    assert_works(gto, "adopt")
    gto.git("clone", "--quiet", "--no-tags", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    done = clone.mlver("tag")
    assert done.code == 1
    assert (
        done.out.count(
            "was adopted from a tag that is not here, and is not made again\n"
            "  hint: git fetch --tags"
        )
        == 2
    )
    assert clone.git("tag") == ""


def test_an_adopted_stage_is_sealed_and_hangs_on_the_tags_it_came_from(gto: Repository) -> None:
    assert_works(gto, "adopt")
    path = ".mlver/models/digits/stages/prod/0001.yaml"
    origin = gto.git("rev-parse", "refs/tags/digits#prod#1")
    record = (gto.path / path).read_text()
    assert "schema: mlver/promotion/2\n" in record
    assert f'adopted:\n  tag: "digits#prod#1"\n  object: "{origin}"\n' in record
    sealed = gto.git("tag", "--list", "--format=%(contents)", "digits@prod.1")
    assert sealed.startswith("digits 1.0.0 prod 1: promote\n")
    assert assert_works(gto, "tag") == "every record on HEAD is sealed already\n"
    gto.git("tag", "--force", "--annotate", "--message", "Another", "digits#prod#1", "HEAD")
    done = gto.mlver("verify", "--all")
    assert done.code == 1
    said = "digits#prod#1 is another tag than the one that digits@prod.1 was adopted from"
    assert said in done.out
    gto.git("tag", "--delete", "digits#prod#1", "digits@prod.1", "digits@prod.2")
    assert "digits#prod#1 is not here, and digits@prod.1 was adopted from it" in (
        gto.mlver("verify", "--all").out
    )
    done = gto.mlver("tag")
    assert done.code == 1
    assert f"Refused {path} was adopted, and the tag digits#prod#1 is not here" in done.out
    assert gto.git("tag", "--list", "digits@prod.*") == "digits@prod.2"


def test_a_promotion_added_to_an_adopted_stage_is_judged_whatever_tag_it_names(
    gto: Repository,
) -> None:
    assert_works(gto, "adopt")
    folder = gto.path / ".mlver/models/digits/stages/prod"
    last = (folder / "0002.yaml").read_text()
    before = hashlib.sha256(last.encode()).hexdigest()
    old_tag = gto.git("rev-parse", "refs/tags/digits#prod#2")
    gto.git("tag", "--annotate", "--message", "Serve it", "digits#prod#3", "digits@v2.0.0^{}")
    forged = last.replace("digits#prod#2", "digits#prod#3").replace("sequence: 2", "sequence: 3")
    forged = forged.replace(old_tag, gto.git("rev-parse", "refs/tags/digits#prod#3"))
    forged = re.sub(r"previous: .*", 'previous: "2.0.0"', forged)
    forged = re.sub(r"prior: .*", f"prior: sha256:{before}", forged)
    (folder / "0003.yaml").write_text(forged)
    gto.commit("docs")
    done = gto.mlver("verify", "--all")
    assert done.code == 1
    assert "prod/0003.yaml does not say which policy judged it" in done.out
    assert "prod/0002.yaml" not in done.out


def test_the_log_believes_whom_an_adopted_tag_names(
    gto: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adopts commits what others did, and no commit names those."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Bob")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "bob@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Bob")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "bob@example.org")
    assert_works(gto, "adopt", "digits")
    assert gto.mlver("promote", "digits@1.0.0", "--to", "prod", "-m", "Back", "--force").code == 0
    for words in ((), ("--stage", "prod", "-n", "2"), ("--at", "2026-01-02")):
        shown = assert_works(gto, "log", "digits", *words)
        assert "  Kim (by Bob)  " in shown
        assert "unconfirmed" not in shown


def test_a_stage_is_left_whose_seal_would_have_the_name_of_another_tag(gto: Repository) -> None:
    gto.git("tag", "digits@prod.2")
    done = gto.mlver("adopt", "--json")
    assert "there is a tag digits@prod.2 already" in left(done)["digits#prod"]
    assert not (gto.path / ".mlver/models/digits/stages").exists()


def test_plain_tags_of_one_model(repository: Repository) -> None:
    """Files in git itself, a pointer of git-lfs, a folder of both, tags light and annotated."""
    repository.write("w.bin", "weights")
    repository.commit()
    repository.git("tag", "v1.0.0")
    repository.write("w.bin", LFS.format(sha256("big").removeprefix("sha256:"), 3))
    repository.write("d/a.csv", "a")
    repository.write("d/b.csv", LFS.format(sha256("b").removeprefix("sha256:"), 1))
    repository.commit("Larger")
    tagged(repository, "v1.1.0")
    assert_works(repository, "init")
    assert assert_refused(repository, "adopt", code=2).endswith(
        "say whose it is\nhint: mlver adopt MODEL\n"
    )
    assert left(repository.mlver("adopt", "m", "--json")).keys() == {"v1.0.0", "v1.1.0"}
    done = repository.mlver("adopt", "m", "--weights", "w.bin", "--data", "train=d", "--json")
    assert "note: v1.0.0 is adopted without its data set train" in done.err
    found = read_document(done, "adopt")
    assert [
        (one["version"], one["holder"], one["digest"], one["seal"]) for one in found["versions"]
    ] == [
        ("1.0.0", "git", sha256("weights"), "m@v1.0.0"),
        ("1.1.0", "git-lfs", sha256("big"), "m@v1.1.0"),
    ]
    manifest = f"{sha256('a')[7:]}  a.csv\n{sha256('b')[7:]}  b.csv\n"
    record = read_document(repository.mlver("show", "m@1.1.0", "--json"), "show")["record"]
    assert record["data"]["train"]["digest"] == sha256(manifest)
    assert record["message"] == "Says v1.1.0"
    repository.write("w.bin", "big")  # as git-lfs would have it
    assert assert_works(repository, "verify", "m@1.0.0").startswith(
        "All is well"
    )  # git still has the bytes
    repository.write("w.bin", "weights")
    done = repository.mlver("verify", "m@1.1.0")
    assert (done.code, "git-lfs has no copy of w.bin" in done.out) == (0, True)
    digest = sha256("big")[7:]
    repository.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", "big")
    done = repository.mlver("verify", "m@1.1.0")
    assert "git-lfs has no copy of w.bin" not in done.out
    # The data set of the work tree is still the pointer that git-lfs would put content in place of.
    assert "is a git-lfs pointer to 1 B" in done.out
    repository.git("tag", "--force", "v1.0.0", "HEAD")
    assert (
        "v1.0.0 was moved since m@v1.0.0 was adopted from it"
        in repository.mlver("verify", "m@1.0.0").out
    )


def test_a_pattern_tells_model_and_version(repository: Repository) -> None:
    repository.write("w.bin", "weights")
    repository.commit()
    tagged(repository, "models/big/release-1.0.0", "v9.0.0")
    assert_works(repository, "init")
    assert "  m 1.0.0  w.bin" in assert_works(
        repository, "adopt", "m", "--pattern", "models/big/release-{version}", "--weights", "w.bin"
    )
    assert assert_works(repository, "list").count("\n") == 4
    said = assert_refused(repository, "adopt", "m", "--pattern", "release-*", code=2)
    assert "does not say where in a tag the version stands" in said


def test_what_cannot_be_adopted_is_named(gto: Repository) -> None:
    gto.write("models/link", "x")
    (gto.path / "models/link").unlink()
    (gto.path / "models/link").symlink_to("m.pkl")
    gto.commit()
    tagged(gto, "digits@v3.0", "a/b@v1.0.0", "digits@v2.0.0!", "digits@v4.0.0")
    gto.git("tag", "digits@v5.0.0", "HEAD^{tree}")
    gto.write(
        "dvc.yaml",
        "artifacts:\n  digits:\n    path: models/link\n"
        "  images:\n    type: dataset\n    path: models\n",
    )
    gto.commit()
    tagged(gto, "digits@v6.0.0", "images@v1.0.0", "digits#Prod-EU#3")
    done = gto.mlver("adopt", "--json")
    said = left(done)
    assert said["digits@v3.0"].startswith("3.0 is no semantic version")
    assert said["a/b@v1.0.0"] == "a/b is no name for a model here"
    assert said["digits@v5.0.0"] == "names no commit"
    assert "models/link is a symlink" in said["digits@v6.0.0"]
    assert "is not a stage name" in said["digits#Prod-EU"]
    assert "note: digits@v2.0.0 was taken back by another tag: passed over\n" in done.err
    assert "note: images@v1.0.0 is of no model but of a dataset: passed over" in done.err
    assert assert_works(gto, "list", "digits").count("\n") == 5  # 1.0.0 and 4.0.0
    tagged(gto, "Digits@v1.0.0")
    assert "by letter case only" in left(gto.mlver("adopt", "--json"))["Digits@v1.0.0"]


def test_many_versions_are_one_commit(repository: Repository) -> None:
    for number in range(30):
        repository.write("w.bin", f"weights {number % 3}")
        repository.git("add", "w.bin")
        repository.git("commit", "--quiet", "--allow-empty", "--message", "x")
        repository.git("tag", f"v1.{number}.0")
    assert_works(repository, "init")
    shown = assert_works(repository, "adopt", "m", "--weights", "w.bin")
    assert shown.startswith("Adopted 30 versions\n")
    assert "\n  and 10 more\n" in shown
    assert shown.count("m 1.") == 20
    assert repository.git("rev-list", "--count", "v1.29.0..HEAD") == "1"
    assert len(repository.git("tag", "--list", "m@v*").splitlines()) == 30
    assert assert_works(repository, "verify", "--all").startswith("All is well")
    assert (
        assert_works(repository, "status", "m")
        == "m 1.29.0  against the work tree\n  weights, data and params are as registered\n"
    )
