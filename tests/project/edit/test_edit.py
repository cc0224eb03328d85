"""One change, all or nothing: what lands, what a refusal leaves, and what becomes of an interrupted
one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git.process import GitFailed
from mlver.project.edit import edit as edits
from mlver.project.edit import intent
from mlver.project.edit.intent import PlannedTag
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.project.transaction import editing
from tests.conftest import Repository
from tests.project.helpers import encode_version, read_tree

RECORD, SETTINGS = ".mlver/models/m/versions/1.0.0.yaml", ".mlver/models/m/model.yaml"
RECORD_BYTES = encode_version()
TAG = PlannedTag("m@v1.0.0", "m 1.0.0\n\nwhy\n", RECORD)


class Notes(SilentReporter):
    """Keeps what a person would be told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def show_note(self, text: str) -> None:
        self.told.append(text)


def state(repository: Repository) -> tuple[object, ...]:
    """Everything that an undone edit must leave as it was."""
    return (
        read_tree(repository.path),
        repository.git("ls-files", "--stage"),
        repository.git("diff", "--cached"),
        repository.git("status", "--porcelain"),
        repository.git("rev-parse", "HEAD"),
        repository.git("for-each-ref"),
    )


def write(project: Project, *, tags: tuple[PlannedTag, ...] = (TAG,)) -> str:
    with editing(project, "register m 1.0.0") as edit:
        edit.create_file(RECORD, RECORD_BYTES)
        edit.put_file(SETTINGS, b"settings\n")
        return edit.commit_files("mlver: register m 1.0.0\n\nwhy", tags)


@pytest.fixture
def busy(project: Project, repository: Repository) -> Project:
    """Somebody's work under way: settings committed and edited, one file staged and edited again,
    one intended.
    """
    repository.write(SETTINGS, "old settings\n")
    repository.write("code.py", "one\n")
    repository.commit()
    repository.write(SETTINGS, "edited by hand\n")
    repository.write("code.py", "two\n")
    repository.write("new.py", "new\n")
    repository.git("add", "code.py", "new.py")
    repository.write("code.py", "three\n")
    repository.write("later.py", "later\n")
    repository.git("add", "--intent-to-add", "later.py")
    return project


def test_a_commit_holds_its_files_alone_and_the_tag_is_on_it(
    busy: Project, repository: Repository
) -> None:
    staged = repository.git("diff", "--cached")
    commit = write(busy)
    assert repository.git("rev-parse", "HEAD", "m@v1.0.0^{commit}").split() == [commit, commit]
    assert repository.git("show", "--format=%s", "--name-status", commit) == (
        f"mlver: register m 1.0.0\n\nM\t{SETTINGS}\nA\t{RECORD}"
    )
    assert repository.git("diff", "--cached") == staged
    assert repository.git("for-each-ref", "--format=%(contents)", "refs/tags") == "m 1.0.0\n\nwhy\n"
    assert intent.read_pending(busy.state_directory) is None


def test_a_record_is_never_written_over(busy: Project, repository: Repository) -> None:
    write(busy)
    before = state(repository)
    with editing(busy, "again") as edit:
        with pytest.raises(MlverError, match="exists already, and records never change"):
            edit.create_file(RECORD, b"another\n")
        edit.create_file(".mlver/models/m/versions/2.0.0.yaml", b"new\n")
        with pytest.raises(MlverError, match="exists already"):
            edit.create_file(".mlver/models/m/versions/2.0.0.yaml", b"new\n")
    assert state(repository) == before


def test_nothing_is_written_through_a_symlink(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (repository.path / ".mlver/models").symlink_to(tmp_path / "outside")
    with pytest.raises(MlverError, match="passes through the symlink"):
        write(project)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("hook", ["pre-commit", "prepare-commit-msg", "commit-msg"])
def test_a_hook_that_refuses_leaves_everything_as_it_was(
    busy: Project, repository: Repository, hook: str
) -> None:
    repository.write(f".git/hooks/{hook}", "#!/bin/sh\necho not today >&2; exit 1\n").chmod(0o755)
    before = state(repository)
    with pytest.raises(GitFailed, match="not today"):
        write(busy)
    assert state(repository) == before
    assert intent.read_pending(busy.state_directory) is None


def test_a_hook_that_rewrites_a_record_is_found_out(busy: Project, repository: Repository) -> None:
    body = f"#!/bin/sh\necho tidied >>{RECORD}\ngit add {RECORD}\n"
    repository.write(".git/hooks/pre-commit", body).chmod(0o755)
    former = repository.git("rev-parse", "HEAD").strip()
    with pytest.raises(MlverError, match=f"changed {RECORD} while") as refused:
        write(busy)
    assert refused.value.hint == f"git reset --soft {former}"
    assert repository.git("tag", "--list") == ""


def test_a_filter_that_rewrites_a_record_is_found_out(
    busy: Project, repository: Repository
) -> None:
    repository.git("config", "filter.tidy.clean", "sed s/a/b/")
    repository.write(".mlver/models/.gitattributes", "* filter=tidy\n")
    with pytest.raises(MlverError, match=r"filter that a \.gitattributes names"):
        write(busy)
    assert repository.git("tag", "--list") == ""


def test_a_taken_tag_fails_the_edit_and_is_not_moved(busy: Project, repository: Repository) -> None:
    repository.git("tag", "--annotate", "m@v1.0.0", "--message", "mine", "HEAD")
    taken = repository.git("rev-parse", "m@v1.0.0")
    with pytest.raises(GitFailed, match="already exists"):
        write(busy)
    assert repository.git("rev-parse", "m@v1.0.0") == taken


def test_staging_leaves_the_commit_to_the_person(busy: Project, repository: Repository) -> None:
    head, staged = (
        repository.git("rev-parse", "HEAD"),
        repository.git("diff", "--cached", "--name-only").split(),
    )
    with editing(busy, "register m 1.0.0") as edit:
        edit.create_file(RECORD, RECORD_BYTES)
        edit.stage_files()
    assert repository.git("rev-parse", "HEAD") == head
    assert sorted(repository.git("diff", "--cached", "--name-only").split()) == sorted(
        [*staged, RECORD]
    )
    assert intent.read_pending(busy.state_directory) is None


UNREADY = {
    "detached": (["switch", "--quiet", "--detach"], "HEAD is detached", "git switch -c BRANCH"),
    "merging": (
        ["merge", "--quiet", "--no-commit", "--no-ff", "side"],
        "a merge is in progress",
        "git merge --cont",
    ),
}


@pytest.mark.parametrize(("command", "words", "hint"), UNREADY.values(), ids=UNREADY)
def test_nothing_is_committed_where_it_has_no_place(
    project: Project, repository: Repository, command: list[str], words: str, hint: str
) -> None:
    repository.git("switch", "--quiet", "-c", "side")
    repository.write("side.py", "x\n")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.git(*command)
    before = state(repository)
    with pytest.raises(MlverError, match=words) as refused:
        write(project)
    assert hint in (refused.value.hint or "")
    assert state(repository) == before


# -- interrupted
# ------------------------------------------------------------------------------


class Killed(BaseException):
    """What takes a process away before it can clean up."""


def interrupt(monkeypatch: pytest.MonkeyPatch, project: Project, where: str) -> None:
    """An edit that dies on its way into `where` and settles nothing."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"mlver.git.changes.{where}", die)
        patch.setattr(edits, "recover_edit", die)
        with pytest.raises(Killed):
            write(project)
    assert intent.read_pending(project.state_directory) is not None


def settled(repository: Repository) -> list[str]:
    """What the next command says it did, and the one after it."""
    notes = Notes()
    for _ in range(2):
        with editing(Project.open_existing(repository.path, notes), "the next command"):
            pass
    return notes.told


@pytest.mark.parametrize("where", ["stage_paths", "commit_only"])
def test_what_has_not_landed_is_undone(
    busy: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    before = state(repository)
    interrupt(monkeypatch, busy, where)
    assert (repository.path / RECORD).exists()
    assert settled(repository) == ["undid `register m 1.0.0`, which had not finished"]
    assert state(repository) == before


@pytest.mark.parametrize("where", ["create_tag", "sync_git"])
def test_what_has_landed_is_completed(
    busy: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    interrupt(monkeypatch, busy, where)
    head = repository.git("rev-parse", "HEAD")
    assert settled(repository) == ["completed `register m 1.0.0`, which had been interrupted"]
    assert repository.git("rev-parse", "HEAD", "m@v1.0.0^{commit}").split() == [head, head]


def test_what_the_person_did_meanwhile_counts(
    busy: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Died after staging; the person then committed everything themselves."""
    interrupt(monkeypatch, busy, "commit_only")
    commit = repository.commit("everything at once")
    assert settled(repository) == ["completed `register m 1.0.0`, which had been interrupted"]
    assert repository.git("rev-parse", "m@v1.0.0^{commit}") == commit


def test_a_failure_in_between_is_settled_at_once(
    busy: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/disk")

    before = state(repository)
    monkeypatch.setattr("mlver.git.changes.stage_paths", full)
    with pytest.raises(MlverError, match="No space left on device: /disk; nothing was changed"):
        write(busy)
    monkeypatch.undo()
    assert state(repository) == before
    assert intent.read_pending(busy.state_directory) is None


def test_an_intent_of_another_mlver_is_not_guessed_at(
    project: Project, repository: Repository
) -> None:
    for text in ('{"format": 999}', "{", "", "[]", "null", '{"format": 3}'):
        repository.write(".git/mlver/intent.json", text)
        with pytest.raises(MlverError, match="not in a way this mlver understands") as refused:
            write(project)
        assert refused.value.hint
        assert (repository.path / ".git/mlver/intent.json").read_text() == text


def test_an_intent_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = intent.CommandIntent(
        what="x",
        top="/somewhere",
        git_dir=".",
        before={"a": b"\xff\x00", "b": None},
        index={"a": "100644 abc 0", "b": None},
        tags=("m@v1.0.0",),
        sealing=intent.SealSource("0" * 40, main_line=True),
        checkout=("m", "1.0.0", "."),
    )
    assert intent.read_pending(tmp_path) is None
    intent.write_intent(tmp_path, plan)
    assert intent.read_pending(tmp_path) == plan
    intent.drop_intent(tmp_path)
    assert intent.read_pending(tmp_path) is None
