"""`mlver remote`: places that keep objects, named in the settings once they were tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository
from tests.pseudo_terminal import run_on_terminal

CONFIG = ".mlver/config.yaml"
NEXT = f"next: git add {CONFIG} && git commit -m WHY -- {CONFIG}\n"
FAR = ("remote", "add", "far", "s3://models/x", "--endpoint", "https://minio.example.org:9000")


def name_remote(repository: Repository, text: str) -> None:
    """As somebody else does it, in a commit that was pulled."""
    with (repository.path / CONFIG).open("a") as file:
        file.write(f"remotes:\n  {text}\n")


def test_a_directory_is_tried_and_named(first: Repository, store: Path) -> None:
    before = (first.path / CONFIG).read_text()
    out = assert_works(first, "remote", "add", "share", str(store))
    assert out == f"Added share  {store}\n  each blob that is sent is read back\n{NEXT}"
    added = f"remotes:\n  share:\n    url: {store}\n"
    assert (first.path / CONFIG).read_text() == before + added
    assert first.git("status", "--short") == f" M {CONFIG}"
    # Nothing that was tried stays there.
    assert [path for path in store.rglob("*") if path.is_file()] == [store / ".mlver-store"]
    out = assert_works(first, "remote", "add", "share", str(store))
    assert f"{CONFIG} says so already; nothing changed" in out


def test_a_path_is_typed_from_where_one_stands(first: Repository, store: Path) -> None:
    assert_works(first, "remote", "add", "share", "../store/")
    assert f"url: {store}\n" in (first.path / CONFIG).read_text()


def test_a_new_store_is_made_only_when_that_is_asked_for(first: Repository, tmp_path: Path) -> None:
    new = tmp_path / "new store"
    before = digest_tree(first.path)
    error = assert_refused(first, "remote", "add", "share", str(new))
    assert f"{new} is no store yet" in error
    assert f"hint: mlver remote add share '{new}' --init\n" in error
    out = assert_works(first, "remote", "add", "share", str(new), "--init", "--dry-run")
    assert out == f"Would add share  {new}\nnothing was written\n"
    assert not new.exists()
    assert digest_tree(first.path) == before
    assert_works(first, "remote", "add", "share", str(new), "--init")
    assert (new / ".mlver-store").exists()


def test_a_listing_for_readers_by_https_is_written_once_it_is_asked_for(
    first: Repository, store: Path
) -> None:
    listing = store / "listing.txt"
    assert_works(first, "remote", "add", "share", str(store), "--listing", "--dry-run")
    assert not listing.exists()
    assert_works(first, "remote", "add", "share", str(store))
    assert not listing.exists()
    # Later on as well, for a remote that there is.
    assert_works(first, "remote", "add", "share", str(store), "--listing")
    assert listing.read_text().startswith("mlver/listing/1\n")
    assert_works(first, "push", "--objects")
    assert "packs/" in listing.read_text()
    offline = ("--listing", "--offline")
    error = assert_refused(first, "remote", "add", "share", str(store), *offline, code=2)
    assert "--offline leaves it alone" in error


def test_a_store_that_can_be_read_only_is_named_with_a_warning(
    first: Repository, store: Path
) -> None:
    (store / "probes").write_text("in the way, also of a superuser")
    out = assert_works(first, "remote", "add", "share", str(store))
    assert "it can be read only" in out


def test_what_does_not_answer_is_not_named(first: Repository) -> None:
    before = digest_tree(first.path)
    error = assert_refused(first, "remote", "add", "share", "file:///nowhere/store")
    assert "/nowhere/store is no store yet" in error
    error = first.mlver("remote", "add", "far", "x-unknown://models").err
    assert "no back-end serves x-unknown://" in error
    assert digest_tree(first.path) == before
    assert_works(first, *FAR, "--offline")
    assert 'url: "s3://models/x"' in (first.path / CONFIG).read_text()


REFUSED = {
    ("far", "https://kim:hunter2@models.example.org"): "its address has a password in it",
    ("far", "az://models?sv=1&sig=hunter2"): "has a signature, a token or another secret",
    ("far", "hunter2:x@host:path"): "write a path on another machine as ssh://HOST/PATH",
    ("far", "host:path"): "host:path is no directory here",
    ("far", ""): "'' is no address",
    ("far", "s3://"): "names no host or bucket",
    ("Far", "s3://models"): "`Far` is not the name of a remote",
    ("far", "s3://models", "--init"): "--init makes a directory a store",
    ("far",): "add takes NAME URL",
    ("far", "s3://models", "--endpoint", "https://x?sig=hunter2"): "its endpoint has a signature",
    ("far", "ssh://host/x", "--endpoint", "https://x"): "has no endpoint",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_a_remote_is_refused(first: Repository, words: tuple[str, ...]) -> None:
    before = digest_tree(first.path)
    error = assert_refused(first, "remote", "add", *words, code=2)
    assert REFUSED[words] in error
    assert "hunter2" not in error
    assert digest_tree(first.path) == before


def test_yes_is_no_mistake_where_nothing_is_asked(first: Repository, store: Path) -> None:
    """As scripts write it: who adds a remote confirms it."""
    out = assert_works(first, "remote", "add", "share", str(store), "--yes")
    assert out.startswith("Added share")
    assert "answers  yes" in assert_works(first, "remote", "show", "share")
    error = assert_refused(first, "remote", "list", "--yes", code=2)
    assert "hint: mlver remote show NAME --yes\n" in error
    assert_works(first, "remote", "remove", "share", "--yes")
    error = assert_refused(first, "remote", "remove", "share", "--offline", code=2)
    assert "--offline belongs to add" in error


def test_it_is_said_where_secrets_come_from(first: Repository) -> None:
    done = first.mlver("remote", "add", "far", "s3://key:hunter2@models")
    assert "Secrets come from AWS_ACCESS_KEY_ID" in done.err


def test_a_name_that_is_taken_stays_what_it_is(first: Repository, store: Path) -> None:
    assert_works(first, "remote", "add", "share", str(store))
    error = assert_refused(first, "remote", "add", "share", "/mnt/other", "--offline", code=2)
    assert "there is a remote share already" in error


def test_who_typed_the_address_is_not_asked_again(first: Repository, store: Path) -> None:
    assert_works(first, "remote", "add", "share", str(store))
    out = assert_works(first, "remote", "show")
    assert out == (
        "share  default\n"
        f"  address  {store}\n"
        f"  trust    trusted here ({store})\n"
        "  answers  yes\n"
        "  holds    0 blobs, 0 B\n"
        "  proof    each blob that is sent is read back\n"
    )


def test_what_somebody_else_named_is_shown_and_confirmed_once(
    first: Repository, store: Path
) -> None:
    name_remote(first, f"share: {{url: {store}}}")
    done = first.mlver("remote", "show", "share")
    assert done.code == 1
    assert f"nobody on this machine has confirmed {store}" in done.out
    assert "answers" not in done.out
    assert done.out.endswith("next: mlver remote show share --yes\n")
    found = read_document(first.mlver("remote", "show", "share", "--json"), "remote")
    assert not found["ok"]
    assert found["remotes"][0]["reachable"] is None
    assert "answers  yes" in assert_works(first, "remote", "show", "share", "--yes")
    assert "answers  yes" in assert_works(first, "remote", "show", "share")


def test_the_list_asks_nothing(first: Repository, store: Path) -> None:
    assert assert_works(first, "remote", "list") == (
        "There are no remotes: nobody else can get the bytes of a version\n"
        "next: mlver remote add NAME URL\n"
    )
    assert_works(first, "remote", "add", "share", str(store))
    assert_works(first, *FAR, "--offline")
    lines = assert_works(first, "remote", "list").splitlines()
    assert lines[0].split() == ["share", "default", f"{store}", "trusted", "here"]
    assert "s3://models/x at https://minio.example.org:9000" in lines[1]
    found = read_document(first.mlver("remote", "list", "--json"), "remote")
    assert [remote["default"] for remote in found["remotes"]] == [True, False]
    assert {remote["reachable"] for remote in found["remotes"]} == {None}


def test_a_remote_is_taken_out_and_what_lies_there_stays(first: Repository, store: Path) -> None:
    before = (first.path / CONFIG).read_bytes()
    assert_works(first, "remote", "add", "share", str(store))
    out = assert_works(first, "remote", "remove", "share", "--dry-run")
    assert out.endswith("nothing was written\n")
    out = assert_works(first, "remote", "remove", "share")
    assert out == f"Removed share  {store}\n  what lies there stays there\n{NEXT}"
    assert (first.path / CONFIG).read_bytes() == before
    assert (store / ".mlver-store").exists()
    assert "has no remote" in assert_refused(first, "remote", "remove", "share")


def test_settings_with_a_secret_are_shown_without_it(first: Repository) -> None:
    name_remote(first, 'far: {url: "s3://key:hunter2@models"}')
    for words in (("list",), ("show",), ("show", "--json"), ("remove", "far", "--dry-run")):
        done = first.mlver("remote", *words)
        assert "hunter2" not in done.out + done.err
        assert "Traceback" not in done.err
    assert "cannot be used" in first.mlver("remote", "list").out
    assert "cannot be used: its address has a password" in first.mlver("remote", "show").out
    assert_works(first, "remote", "remove", "far")


def test_a_person_at_a_terminal_is_shown_everything(first: Repository, store: Path) -> None:
    name_remote(first, f"share: {{url: {store}}}")
    shown = run_on_terminal(("remote", "show", "--yes"), first.path)
    assert shown.code == 0
    assert "answers" in shown.text
