"""The native hooks, run by git, judge what the commit will hold, whatever way it is made, and never
the work tree.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlver.git.staged_quickly import is_quiet
from tests.cli.results import read_document
from tests.features.hooks.hooks import LATEST, PROMOTION, RECORD, HookedRepository

# What a hook that has nothing to say must not pay for.
_LIBRARIES = "typer rich yaml jsonschema semver subprocess json dataclasses pathlib typing".split()
HEAVY = frozenset([*_LIBRARIES, "mlver.errors", "mlver.cli.main"])


def test_what_mlver_itself_commits_passes(here: HookedRepository) -> None:
    done = here.run_process(
        sys.executable,
        "-P",
        "-m",
        "mlver",
        "promote",
        "digits",
        "--to",
        "production",
        "-m",
        "Better",
    )
    assert done.code == 0, done.err


@pytest.mark.parametrize("what", ["pre-commit", "check", "guard"])
def test_a_commit_with_nothing_for_mlver_costs_one_git_and_no_library(
    here: HookedRepository, what: str, tmp_path: Path
) -> None:
    here.write("code.py", "x = 1\n" * 500)
    (here.path / "README.md").unlink()
    here.git("add", "--all")
    trace = tmp_path / "trace"
    script = f"""
import sys
before = set(sys.modules)
from mlver.cli.quick_hook import run_hook
code = run_hook([{what!r}])
print(code, sorted({set(HEAVY)!r} & (set(sys.modules) - before)), file=sys.stderr)
"""
    done = here.run_process(sys.executable, "-P", "-c", script, GIT_TRACE=str(trace))
    assert done.err == "0 []\n"
    assert trace.read_text().count("trace: built-in: git ") == 1


@pytest.mark.parametrize("kind", ["device", "fifo", "folder", "endless"])
def test_settings_that_are_no_small_file_get_the_full_look(
    here: HookedRepository, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    here.write("code.py", "x\n")
    here.git("add", "code.py")
    monkeypatch.chdir(here.path)
    assert is_quiet()
    settings = here.path / ".mlver/models/digits/model.yaml"
    settings.unlink()
    if kind == "device":
        settings.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(settings)
    elif kind == "folder":
        settings.mkdir()
    else:
        with settings.open("wb") as file:
            file.truncate(1 << 40)
    assert not is_quiet()


def test_a_quiet_hook_says_nothing_and_a_person_is_told(here: HookedRepository) -> None:
    here.write("code.py", "x\n")
    here.git("add", "--all")
    run = ("-P", "-m", "mlver", "hook")
    assert here.run_process(sys.executable, *run, "pre-commit").out == ""
    assert (
        here.run_process(sys.executable, *run, "check").out
        == "All is well  nothing for mlver is staged\n"
    )
    assert here.mlver("hook", "check").out == "All is well  0 records touched\n"


@pytest.mark.parametrize(
    "how", [("-a",), ("--", RECORD), ("-a", "--amend", "--no-edit")], ids=["all", "only", "amend"]
)
def test_an_edit_is_refused_however_it_is_committed(
    here: HookedRepository, how: tuple[str, ...]
) -> None:
    here.edit_record()
    said = (
        here.assert_refuses("commit", "-m", "Edit", *how)
        if "--amend" not in how
        else here.assert_refuses("commit", *how)
    )
    assert f"{RECORD} was changed, and a record stays as it was committed" in said
    assert f"hint: git checkout HEAD -- {RECORD}" in said
    here.git("checkout", "HEAD", "--", RECORD)
    here.write("code.py", "x")
    here.git("add", "code.py")
    here.assert_passes("commit", "-m", "Code")


def test_a_deletion_a_move_and_a_symlink_are_refused(here: HookedRepository) -> None:
    here.git("mv", RECORD, ".mlver/models/digits/versions/3.0.0.yaml")
    said = here.assert_refuses("commit", "-m", "Move")
    assert f"{RECORD} was deleted" in said
    assert "it says that it belongs at .mlver/models/digits/versions/1.0.0.yaml" in said
    here.git("reset", "--hard", "--quiet")
    (here.path / PROMOTION).unlink()
    (here.path / PROMOTION).symlink_to("../../versions/1.0.0.yaml")
    here.git("add", "--all")
    assert f"{PROMOTION} was changed" in here.assert_refuses("commit", "-m", "Link")


def test_what_is_staged_counts_and_not_what_lies_there(here: HookedRepository) -> None:
    path = here.add_unsealed("2.0.0")
    here.git("add", path)
    here.write(path, "nonsense")
    here.edit_record()  # not staged
    here.assert_passes("commit", "-m", "Whole in the index")
    here.git("checkout", "--", path, RECORD)
    good = here.add_unsealed("2.1.0")
    blob = here.attempt_git("hash-object", "-w", "--stdin", stdin="nonsense").out.strip()
    here.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{good}")
    assert f"{good} is not valid" in here.assert_refuses(
        "commit", "-m", "Whole in the work tree only"
    )
    here.git("rm", "--cached", "--quiet", "--force", good)
    here.write("code.py", "x")
    here.git("add", "code.py")
    here.assert_passes("commit", "-m", "Partial", "--", "code.py")


def test_a_commit_of_some_paths_only_is_judged_by_those(here: HookedRepository) -> None:
    here.write(".mlver/models/digits/versions/x.yaml", "nonsense")
    here.write("code.py", "x")
    here.git("add", "--all")
    here.assert_passes("commit", "-m", "Only code", "--", "code.py")
    assert "x.yaml is no record's name" in here.assert_refuses("commit", "-m", "The rest")


def test_it_works_in_a_linked_work_tree_and_before_the_first_commit(
    here: HookedRepository, tmp_path: Path
) -> None:
    here.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = HookedRepository(tmp_path / "linked")
    linked.edit_record()
    assert "was changed" in linked.assert_refuses("commit", "-am", "Edit")
    fresh = HookedRepository(tmp_path / "fresh")
    fresh.path.mkdir()
    fresh.git("init", "--quiet")
    assert fresh.mlver("hook", "install").code == 0
    fresh.write(".mlver/models/digits/versions/x.yaml", "nonsense")
    fresh.git("add", "--all")
    assert "is no record's name" in fresh.attempt_git("commit", "-m", "First").err
    fresh.git("rm", "--cached", "--quiet", ".mlver/models/digits/versions/x.yaml")
    fresh.write("code.py", "x")
    fresh.git("add", "code.py")
    fresh.assert_passes("commit", "-m", "First")


def test_one_may_amend_ones_own_record_until_others_have_it(here: HookedRepository) -> None:
    path = here.add_unsealed("2.0.0")
    here.git("add", path)
    here.assert_passes("commit", "-m", "Claim")
    here.add_unsealed("2.0.0", "Better")
    here.assert_passes("commit", "-a", "--amend", "--no-edit")
    here.git("branch", "other")
    here.add_unsealed("2.0.0", "Best")
    assert f"{path} was changed" in here.assert_refuses("commit", "-a", "--amend", "--no-edit")
    here.git("branch", "-D", "other")
    here.git("checkout", "--", path)
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "On top")
    here.git("rm", "--quiet", path)
    assert f"{path} was deleted" in here.assert_refuses(
        "commit", "-m", "Too late: no longer the last commit's own"
    )


def test_a_rebase_that_is_edited_is_judged_like_any_commit(here: HookedRepository) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "Nothing")
    path = here.add_unsealed("2.0.0")
    here.git("add", path)
    here.assert_passes("commit", "-m", "Claim")
    stop = here.attempt_git(
        "rebase", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i.bak s/^pick/edit/"
    )
    assert stop.code == 0, stop.err
    here.edit_record(RECORD)
    assert f"{RECORD} was changed" in here.assert_refuses("commit", "-a", "--amend", "--no-edit")
    here.git("checkout", "HEAD", "--", RECORD)
    here.add_unsealed("2.0.0", "Better")
    here.assert_passes("commit", "-a", "--amend", "--no-edit")
    here.assert_passes("rebase", "--continue")
    assert "Better" in here.git("show", f"topic:{path}")


def test_a_chain_that_breaks_and_a_manifest_that_lacks_are_named(here: HookedRepository) -> None:
    text = (here.path / PROMOTION).read_text()
    here.write(PROMOTION.replace("0001", "0003"), text.replace("sequence: 1", "sequence: 3"))
    here.git("add", "--all")
    assert "0002 is missing" in here.assert_refuses("commit", "-m", "Gap")
    here.git("reset", "--hard", "--quiet")
    path = here.add_unsealed("2.0.0")
    record = (here.path / path).read_text()
    digest = record.split("sha256:")[1][:64]
    here.write(path, record.replace(digest, "ab" * 32))
    here.write(f".mlver/manifests/{'cd' * 32}.sha256", f"{'ef' * 32}  file\n")
    here.git("add", "--all")
    said = here.assert_refuses("commit", "-m", "No manifest")
    assert f"needs .mlver/manifests/{'ab' * 32}.sha256, the manifest of its weights" in said
    assert f"{'cd' * 32}.sha256 no longer hashes to its name" in said


def test_twins_are_refused(here: HookedRepository) -> None:
    here.write(".mlver/models/Digits/model.yaml", "schema: mlver/model/1\nmodel: Digits\n")
    here.git("add", "--all")
    assert "differs from the model `Digits` by letter case only" in here.assert_refuses(
        "commit", "-m", "Twin"
    )
    here.git("reset", "--hard", "--quiet")
    lower, upper = here.add_unsealed("2.0.0-rc1"), here.add_unsealed("2.0.0-RC1")
    hidden = RECORD.replace("models", "Models")
    here.write(hidden, "nonsense\n")
    here.git("add", "--all")
    said = here.assert_refuses("commit", "-m", "Twins")
    assert (
        f"{upper} differs from `{lower}` by letter case only" in said
        or f"{lower} differs from `{upper}`" in said
    )
    assert f"{hidden} differs from `.mlver/models/` by letter case only" in said


def test_an_artifact_is_kept_out_of_git(here: HookedRepository) -> None:
    here.write("model/weights.safetensors", b"\0")
    here.git("add", "--force", "model")
    said = here.assert_refuses("commit", "-m", "Artifact")
    assert (
        "model/weights.safetensors is an artifact (weights of digits), whose bytes mlver keeps"
        in said
    )
    assert "model/config.json is an artifact" in said
    assert "hint: git rm --cached -- model/weights.safetensors" in said


@pytest.mark.parametrize(
    "path", ["model/config.json", "model/deep/er/vocab.txt", "data/train.csv", "model/it's é.txt"]
)
@pytest.mark.parametrize("style", ["block", "flow", "own line"])
def test_a_small_file_of_an_artifact_is_kept_out_of_git(
    here: HookedRepository, path: str, style: str
) -> None:
    settings = here.path / ".mlver/models/digits/model.yaml"
    text = settings.read_text()
    if style == "flow":
        start, _, rest = text.partition("weights:")
        text = f"{start}weights: {{stored: true, 'path' : model}} # {rest.partition('data:')[0]!r}"
        text += '\ndata: {train: {path: "data/train.csv", format: csv}}\n'
    elif style == "own line":
        text = text.replace("path: ", "path:\n      ")
    settings.write_text(text)
    here.assert_passes("add", ".mlver")
    here.attempt_git("commit", "--no-verify", "--quiet", "-m", "In another style")
    here.write(path, "a few words\n")
    here.git("add", "--force", path)
    assert f"{path} is an artifact (" in here.assert_refuses("commit", "-m", "By mistake")


def test_a_commit_beside_the_artifacts_is_answered_quickly(
    here: HookedRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write("models.py", "path = 'model'\n")
    here.write("model.py", "pass\n")
    here.git("add", "models.py", "model.py")
    monkeypatch.chdir(here.path)
    assert is_quiet()
    here.write("model/config.json", "{}")
    here.git("add", "--force", "model/config.json")
    assert not is_quiet()


def test_a_file_that_no_artifact_holds_may_go_into_git(here: HookedRepository) -> None:
    here.write("model/README.md", "What this model is for\n")
    here.git("add", "--force", "model/README.md")
    assert "model/README.md is an artifact (" in here.assert_refuses("commit", "-m", "By mistake")
    here.write(".mlverignore", "README.md\n")
    here.git("add", ".mlverignore")
    here.assert_passes("commit", "-m", "Keep the words in git")


def test_what_guard_lets_through_is_a_setting(here: HookedRepository) -> None:
    here.write("model/weights.safetensors", b"\0" * 70_000)
    here.write("big.csv", "a,b\n" * 20_000)
    here.write("a.pkl", b"\x80\x04}.")
    config = here.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "guard:\n  max_file_size: 65536\n  pickle: forbid\n")
    here.git("add", "--force", "model", "big.csv", "a.pkl", ".mlver/config.yaml")
    said = here.assert_refuses("commit", "-m", "All of it")
    assert "big.csv is 80,000 bytes, and at most 65,536 go into git" in said
    assert "a.pkl is a pickle" in said
    assert "model/weights.safetensors is 70,000 bytes" in said
    config.write_text(config.read_text() + "  allow: [big.*, '*.pkl', 'model/*']\n")
    here.assert_passes("commit", "-am", "All of it")


def test_a_large_text_does_not_pass_for_code(here: HookedRepository) -> None:
    config = here.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + "guard: {max_file_size: 65536}\n")
    here.assert_passes("commit", "-am", "Nothing large")
    here.write("one-line.json", "x" * 70_000)
    here.git("add", "one-line.json")
    assert "one-line.json is 70,000 bytes" in here.assert_refuses("commit", "-m", "Large")
    here.write(".gitattributes", "*.json diff\n")  # git then takes it for text, of one line
    here.git("add", ".gitattributes")
    assert "one-line.json is 70,000 bytes" in here.assert_refuses("commit", "-m", "Large")
    (here.path / "one-line.json").unlink()
    assert "one-line.json is 70,000 bytes" in here.assert_refuses("commit", "-m", "Large")


def test_a_secret_never_gets_into_a_record_nor_onto_the_screen(here: HookedRepository) -> None:
    token = "ghp_" + "a1B2" * 9
    words = (
        "register",
        "digits",
        "--bump",
        "minor",
        "-m",
        "Third",
        "--param",
        f"hub.token={token}",
        "--allow-dirty",
    )
    done = here.run_process(sys.executable, "-P", "-m", "mlver", *words)
    assert done.code == 3
    assert "1.2.0.yaml says a GitHub token at params.hub.token" in done.err
    assert token not in done.err
    assert here.git("status", "--porcelain") == ""


def test_among_the_records_there_is_no_place_to_hide(here: HookedRepository) -> None:
    start = here.git("rev-parse", "HEAD")
    here.write(".mlver/large.bin", b"\0" * 11_000_000)
    here.git("add", "--force", ".mlver/large.bin")
    assert ".mlver/large.bin is 11,000,000 bytes" in here.assert_refuses("commit", "-m", "Large")
    here.git("commit", "--no-verify", "--quiet", "-m", "Large")
    found = read_document(
        here.mlver("hook", "guard", "--from", start, "--to", "HEAD", "--json"), "hook"
    )
    assert [(one["kind"], one["subject"]) for one in found["broken"]] == [
        ("size", ".mlver/large.bin")
    ]


@pytest.mark.parametrize("name", [LATEST, "mlver/__init__.py"])
def test_nothing_of_the_repository_is_run(here: HookedRepository, name: str) -> None:
    here.write("mlver/__init__.py", "raise SystemExit('taken over')\n")
    here.write("mlver/__main__.py", "raise SystemExit('taken over')\n")
    here.git("add", "--all")
    if name == LATEST:
        here.edit_record(name)
        assert "taken over" not in here.assert_refuses("commit", "-am", "Edit")
    else:
        assert "taken over" not in here.assert_passes("commit", "-m", "Code")
