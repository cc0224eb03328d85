"""Files that monitor a model, as the settings of verdicts say."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

MONITOR = ("monitor", "digits", "--write", "monitoring")
_STAGE = "mlver-digits-production"
NAMES = {
    f"{_STAGE}.rules.yaml",
    f"{_STAGE}.rules-test.yaml",
    f"{_STAGE}.prometheus-rule.yaml",
    f"{_STAGE}.analysis-template.yaml",
    f"{_STAGE}.rollback-workflow.yaml",
    "mlver-digits.alertmanager.yaml",
    "mlver-digits.dashboard.json",
}


def monitor(repository: Repository, *options: str, code: int = 0) -> dict[str, Any]:
    done = repository.mlver(*MONITOR, *options, "--json")
    document: dict[str, Any] = read_document(done, "monitor")
    assert done.code == code, done
    return document


def read_folder(repository: Repository) -> dict[str, bytes]:
    folder = repository.path / "monitoring"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def list_states(document: dict[str, Any]) -> set[str]:
    return {file["state"] for file in document["files"]}


def test_files_are_written_once_and_follow_the_settings(serving: Repository) -> None:
    assert list_states(monitor(serving, "--dry-run")) == {"new"}
    assert not (serving.path / "monitoring").exists()
    document = monitor(serving)
    assert (document["stages"], list_states(document)) == (["production"], {"new"})
    written = read_folder(serving)
    assert set(written) == NAMES
    assert list_states(monitor(serving)) == {"same"}
    assert read_folder(serving) == written
    assert assert_works(serving, *MONITOR, "--check") == (
        "monitoring is right for digits in production\n"
    )
    settings = serving.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().replace("margin: 0.01", "margin: 0.02"))
    document = monitor(serving, "--check", code=1)
    changed = {file["path"] for file in document["files"] if file["state"] == "changed"}
    # The dashboard, and who is told, depend on no margin.
    assert changed == {f"{_STAGE}.rules.yaml", f"{_STAGE}.prometheus-rule.yaml"}
    assert read_folder(serving) == written
    assert "next: mlver monitor digits --write monitoring" in serving.mlver(*MONITOR, "--check").out
    assert "next: promtool test rules monitoring/" in assert_works(serving, *MONITOR)
    assert b"> 0.02" in read_folder(serving)[f"{_STAGE}.rules.yaml"]


def test_stages_and_places_are_named(serving: Repository) -> None:
    places = ("--webhook", "https://watch.example/alerts", "--token-file", "/run/token")
    document = monitor(serving, "--stage", "staging", "--stage", "production", *places)
    assert document["stages"] == ["staging", "production"]
    settings = read_folder(serving)["mlver-digits.alertmanager.yaml"].decode()
    assert "https://watch.example/alerts" in settings
    assert "credentials_file: /run/token" in settings
    assert 'stage=~"staging|production"' in settings


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--stage", "nowhere"), 2, "there is no stage nowhere"),
        (("--webhook", "watch"), 2, "--webhook takes an address, not watch"),
        (("--webhook", "http://kim:secret@watch/"), 2, "takes no user and no password"),
        (("--prometheus", "http://[::1"), 2, "--prometheus takes an address"),
        (("--token-file", "a\x1b"), 2, "--token-file takes a name"),
        (("--image", "a\nb"), 2, "--image takes a name"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    serving: Repository, options: tuple[str, ...], code: int, words: str
) -> None:
    done = serving.mlver(*MONITOR, *options)
    assert (done.code, words in done.err, done.out) == (code, True, ""), done
    assert not (serving.path / "monitoring").exists()


def test_settings_that_say_too_little_are_refused(second: Repository) -> None:
    done = second.mlver(*MONITOR)
    assert (done.code, "`verdict.metrics` names none" in done.err) == (3, True)
    empty = '{"bad": "outcome=\\"\\"", "max": 0.1}'
    assert_works(second, "config", "set", "verdict.metrics.errors", empty)
    done = second.mlver(*MONITOR, "--stage", "production")
    assert (done.code, "asks for a label that is empty" in done.err) == (3, True)


def test_a_model_that_is_in_no_stage_is_monitored_where_that_is_said(
    first: Repository,
) -> None:
    assert_works(
        first,
        *("config", "set", "verdict.metrics.errors"),
        '{"bad": "outcome=\\"error\\"", "max": 0.1}',
    )
    done = first.mlver(*MONITOR)
    assert (done.code, "no stage holds a version of digits" in done.err) == (3, True), done
    assert monitor(first, "--stage", "production")["stages"] == ["production"]


def test_a_repository_leads_nobody_out_of_itself(serving: Repository) -> None:
    outside = serving.path.parent / "outside"
    outside.mkdir()
    (serving.path / "monitoring").symlink_to(outside)
    done = serving.mlver(*MONITOR)
    assert (done.code, "is a link that leads out of the repository" in done.err) == (2, True)
    assert list(outside.iterdir()) == []
    # Whoever names a folder outside means it.
    assert_works(serving, "monitor", "digits", "--write", str(outside))
    assert {path.name for path in outside.iterdir()} == NAMES


def test_what_is_no_plain_file_is_neither_read_nor_replaced(serving: Repository) -> None:
    folder = serving.path / "monitoring"
    folder.mkdir()
    os.mkfifo(folder / f"{_STAGE}.rules.yaml")
    done = serving.mlver(*MONITOR)
    assert (done.code, "is a FIFO" in done.err or "pipe" in done.err) == (3, True), done
    assert len(list(folder.iterdir())) == 1
    (folder / f"{_STAGE}.rules.yaml").unlink()
    (folder / f"{_STAGE}.rules.yaml").symlink_to("/etc/passwd")
    assert serving.mlver(*MONITOR).code == 3
