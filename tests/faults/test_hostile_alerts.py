"""Alerts whose words act on a terminal or on the runner of a job, and settings that do."""

from __future__ import annotations

import io

import pytest

from mlver.features.watching.events import WatchResult
from mlver.features.watching.screen import print_event
from mlver.policy.webhook import WebhookFault, parse_webhook
from tests.conftest import CommandOutcome, Repository
from tests.faults.hostile import check_outcome
from tests.policy.test_webhook import dump, make_alert

_TEXTS = ("::error::x", "##vso[task.complete]x", "\x1b[2J", "a\nb", "\u202egnp", "[/red]", "\0")


@pytest.mark.parametrize("text", _TEXTS)
@pytest.mark.parametrize("json", [False, True])
def test_no_word_of_an_alert_acts(text: str, json: bool) -> None:
    says = [text]
    for labels in ({"alertname": text}, {"model": text}, {"version": text}, {"stage": text}):
        try:
            (demand,) = parse_webhook(dump(make_alert(**labels))).demands
        except WebhookFault as fault:
            says.append(str(fault))
        else:
            says += [*demand.names, demand.stage or ""]
    stream = io.StringIO()
    for words in says:
        event = WatchResult(time="2026-01-02T03:04:05Z", event="failed", says=words, model="m")
        print_event(event, stream, json=json)
    check_outcome(CommandOutcome(3, stream.getvalue(), ""), 3)
    assert len(stream.getvalue().splitlines()) == len(says)


@pytest.mark.parametrize(
    "section",
    [
        "auto_rollback: everything",
        "auto_rollback: [../x]",
        "auto_rollback: {digits: {stages: []}}",
        "auto_rollback: {digits: {stages: [production], command: sh}}",
        "due: {digits: {age: 1e9d}}",
        "due: {digits: {metric: {'': 1}}}",
        "due: {'::error::': {}}",
        "due: [digits]",
    ],
)
def test_settings_that_mean_nothing_stop_what_decides(victim: Repository, section: str) -> None:
    path = victim.path / ".mlver/config.yaml"
    path.write_text(f"{path.read_text()}\n{section}\n")
    for words in (("watch", "--stage", "production"), ("due",)):
        done = victim.mlver(*words)
        check_outcome(done, 3)
        assert done.code == 3, done
