"""What a pipeline is told of a tag: from how little of a repository, and whatever hostile people
wrote into it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import NOW, Repository

TAG = "digits@v1.1.0"
RECORD = ".mlver/models/digits/versions/1.1.0.yaml"
HOSTILE = (
    "::set-output name=version::9.9.9",
    "EOF\nversion=9.9.9\nversion<<EOF\n9.9.9\nEOF",
    "##[set-output name=version]9.9.9",
    "x\n  ::stop-commands::y\n\x1b[2Jz",
    "\r\nversion=9.9.9\r\n",
)


@pytest.fixture
def shallow(second: Repository, tmp_path: Path) -> Callable[[str], Repository]:
    """A clone of one tag and nothing else, as pipelines make them."""

    def made(tag: str) -> Repository:
        second.git(
            "clone",
            "--quiet",
            "--depth=1",
            "--single-branch",
            f"--branch={tag}",
            second.path.as_uri(),
            "../job",
        )
        return Repository(tmp_path / "job")

    return made


def outputs(written: str) -> dict[str, str]:
    """`$GITHUB_OUTPUT` as the runner reads it: `NAME=VALUE`, or `NAME<<MARK`, lines, `MARK`."""
    document: dict[str, str] = {}
    lines = iter(written.split("\n"))
    for line in lines:
        name, mark = re.split("<<|=", line, maxsplit=1) if line else ("", "")
        if "<<" in line and line.index("<<") < (line + "=").index("="):
            value = []
            for inner in lines:
                if inner == mark:
                    break
                value.append(inner)
            else:
                pytest.fail(f"{name} never ends")
            document[name] = "\n".join(value)
        elif line:
            document[name] = mark
    return document


def test_a_clone_of_depth_one_tells_all_of_a_version(
    second: Repository, shallow: Callable[[str], Repository]
) -> None:
    job = shallow(TAG)
    assert job.git("rev-list", "--count", "--all") == "1"
    document = read_document(job.mlver("event", f"refs/tags/{TAG}", "--json"), "event")
    assert {
        key: document[key]
        for key in ("ok", "kind", "model", "version", "previous", "verified", "commit")
    } == {
        "ok": True,
        "kind": "version",
        "model": "digits",
        "version": "1.1.0",
        "previous": "1.0.0",
        "verified": True,
        "commit": second.git("rev-parse", f"{TAG}^{{commit}}"),
    }
    assert (document["message"], document["created"], document["parent"]) == (
        "Second",
        NOW,
        None,  # trained from none: `previous` is the one before it
    )
    assert list(document["artifacts"]) == ["weights", "train"]
    assert f"Mlver-Record: {document['record']}" in second.git(
        "tag", "--list", "--format=%(contents)", TAG
    )
    verified = read_document(
        job.mlver("verify", f"digits@{document['version']}", "--json"), "verify"
    )
    # tag, record and manifest are whole; the bytes are not here
    assert verified["broken"] == []
    assert "object" in {entry["kind"] for entry in verified["notes"]}


@pytest.mark.parametrize("name", ["GITHUB_REF", "CI_COMMIT_TAG", "BITBUCKET_TAG"])
def test_a_forges_variable_names_the_tag(
    second: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, f"refs/tags/{TAG}" if name == "GITHUB_REF" else TAG)
    assert assert_works(second, "event").startswith(
        "digits 1.1.0  digits@v1.1.0\n  message  Second\n"
    )


def test_without_one_it_is_the_tag_at_head(second: Repository) -> None:
    assert assert_works(second, "event").startswith("digits 1.1.0")
    second.git("switch", "--quiet", "--detach", "digits@v1.0.0")
    assert assert_works(second, "event").startswith("digits 1.0.0")
    second.git("tag", "--annotate", "--message", "Mlver-Record: sha256:" + "0" * 64, "other@v1.0.0")
    assert "there are 2 tags of mlver's at HEAD\nhint: mlver event digits@v1.0.0" in assert_refused(
        second, "event"
    )
    second.write("more.txt", "more\n")
    second.commit()
    assert "there is no tag of mlver's at HEAD" in assert_refused(second, "event")


@pytest.mark.parametrize(
    "ref", ["refs/heads/main", "v1.2.3", "digits@v2.0.0", "../x@v1.0.0", "pkg@v1.2.3", "-x", "m@v1"]
)
def test_what_is_no_tag_of_mlvers_ends_with_3(second: Repository, ref: str) -> None:
    second.git("tag", "--annotate", "--message", "A package", "pkg@v1.2.3")
    second.git("tag", "v1.2.3")
    output = assert_refused(second, "event", "--", ref)
    assert "is no tag of mlver's" in output or "is not here" in output


@pytest.mark.parametrize("message", HOSTILE)
def test_no_message_passes_for_an_output_or_a_command(
    second: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    (second.path / RECORD).write_text(
        (second.path / RECORD)
        .read_text()
        .replace("message: Second", f"message: {json.dumps(message)}")
    )
    second.git("tag", "--delete", TAG)
    second.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert_works(second, "tag")
    output = tmp_path / "output"
    output.write_text("before=1")
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    printed = assert_works(second, "event", TAG, "--format", "github")
    document = outputs(output.read_bytes().decode())
    assert (document["before"], document["version"], document["message"]) == ("1", "1.1.0", message)
    assert json.loads(document["event"])["message"] == message
    assert read_document(second.mlver("event", TAG, "--json"), "event")["message"] == message
    printed += assert_works(second, "event", TAG) + assert_works(second, "event", TAG, "--json")
    assert not [
        line for line in printed.splitlines() if line.lstrip().startswith("::") or "##[" in line
    ]
    assert "\x1b" not in printed
    dotenv = assert_works(second, "event", TAG, "--format", "dotenv")
    assert "9.9.9" not in dotenv
    assert all(
        re.fullmatch(r"MLVER_[A-Z_]+=[A-Za-z0-9._/@:+-]+", line) for line in dotenv.splitlines()
    )
    assert "MLVER_VERSION=1.1.0" in dotenv.splitlines()
    assert len(dotenv.splitlines()) <= 20


def test_a_broken_seal_ends_with_1_and_is_not_verified(second: Repository) -> None:
    (second.path / RECORD).write_text(
        (second.path / RECORD).read_text().replace("Second", "Another")
    )
    second.commit("Polish")
    contents = second.git("tag", "--list", "--format=%(contents)", TAG)
    second.git("tag", "--force", "--annotate", "--message", contents, TAG)
    finished = second.mlver("event", TAG, "--json")
    assert (finished.code, finished.err) == (1, "")
    document = read_document(finished, "event")
    assert (document["ok"], document["verified"]) == (False, False)
    assert f"{TAG} points at a commit that holds another record" in document["problems"]
    assert "MLVER_VERIFIED=false" in second.mlver("event", TAG, "--format", "dotenv").out


def test_a_record_that_says_nothing_ends_with_1(second: Repository) -> None:
    second.write(RECORD, "garbage")
    second.commit("Garbage")
    second.git("tag", "--force", "--annotate", "--message", f"Mlver-Record: sha256:{'0' * 64}", TAG)
    finished = second.mlver("event", TAG)
    assert (finished.code, finished.err) == (1, "")
    assert "  broken  .mlver/models/digits/versions/1.1.0.yaml: " in finished.out
    second.git("rm", "--quiet", RECORD)
    second.commit("Gone")
    second.git("tag", "--force", "--annotate", "--message", f"Mlver-Record: sha256:{'0' * 64}", TAG)
    assert f"its commit does not hold {RECORD}" in second.mlver("event", TAG).out


def test_a_job_looks_at_the_remotes_tag_where_its_checkout_left_a_lightweight_one(
    second: Repository, shallow: Callable[[str], Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shallow(TAG)
    commit = job.git("rev-parse", "HEAD")
    job.git("update-ref", f"refs/tags/{TAG}", commit)  # as `git fetch +COMMIT:refs/tags/…` does
    finished = job.mlver("event", TAG)
    assert (finished.code, finished.err) == (1, "")
    assert "is a lightweight tag, which can seal nothing" in finished.out
    monkeypatch.setenv("CI", "true")
    assert "seal     whole" in assert_works(job, "event", TAG)
    assert job.git("rev-parse", f"refs/tags/{TAG}") == commit  # nothing was moved
    second.git("tag", "--force", "--annotate", "--message", "Moved", TAG, "digits@v1.0.0^{commit}")
    assert "is a lightweight tag" in job.mlver("event", TAG).out


def test_a_promotion_says_what_moved_and_from_where(
    second: Repository, shallow: Callable[[str], Repository]
) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Slow")
    document = read_document(shallow("digits@production.3").mlver("event", "--json"), "event")
    assert {
        key: document[key]
        for key in ("kind", "stage", "sequence", "action", "version", "previous", "verified")
    } == {
        "kind": "promotion",
        "stage": "production",
        "sequence": 3,
        "action": "rollback",
        "version": "1.0.0",
        "previous": "1.1.0",
        "verified": True,
    }
    assert document["artifacts"]["weights"]["path"] == "model"
    assert document["later"] is None


def test_a_promotion_that_is_not_the_last_says_so(second: Repository) -> None:
    """A pipeline that is run again would deploy the past."""
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert "later" not in assert_works(second, "event", "digits@production.2")
    first_one = "digits@production.1"
    said = "  later  digits@production.2  is the stage's last promotion, not this one\n"
    assert said in assert_works(second, "event", first_one)
    assert read_document(second.mlver("event", first_one, "--json"), "event")["later"] == (
        "digits@production.2"
    )
    # by the record alone
    second.git("tag", "--delete", "digits@production.2")
    assert said in assert_works(second, "event", first_one)
    second.git("tag", "digits@production.7")
    assert "digits@production.7" in assert_works(second, "event", first_one)


def test_a_promotion_of_another_record_is_not_verified(second: Repository) -> None:
    train_model(second, 3)
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    (second.path / RECORD).write_text(
        (second.path / RECORD).read_text().replace("Second", "Another")
    )
    second.commit("Polish")
    contents = second.git("tag", "--list", "--format=%(contents)", "digits@production.2")
    second.git("tag", "--force", "--annotate", "--message", contents, "digits@production.2")
    finished = second.mlver("event", "digits@production.2")
    assert (finished.code, finished.err) == (1, "")
    assert "promoted another record of 1.1.0 than the one its commit holds" in finished.out


def test_what_has_not_landed_is_no_event(second: Repository) -> None:
    second.git("switch", "--quiet", "-c", "wild")
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Never merged")
    assert assert_works(second, "event", "digits@v1.1.0", "--on", "main").endswith(
        "seal     whole\n"
    )
    assert assert_works(second, "event", "digits@v1.2.0", "--on", "wild").endswith(
        "seal     whole\n"
    )
    finished = second.mlver("event", "digits@v1.2.0", "--on", "main", "--json")
    assert finished.code == 1
    (problem,) = read_document(finished, "event")["problems"]
    assert problem == f"its commit {second.git('rev-parse', 'wild')[:10]} is not on main"
    assert "git knows no commit `nowhere` here" in assert_refused(
        second, "event", "digits@v1.1.0", "--on", "nowhere"
    )


def test_a_tag_that_is_not_signed_where_it_has_to_be_is_not_verified(second: Repository) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "\ntags:\n  signed: true\n")
    finished = second.mlver("event", TAG, "--json")
    assert finished.code == 1
    assert read_document(finished, "event")["problems"] == [
        "is not signed, and the settings ask for that"
    ]
