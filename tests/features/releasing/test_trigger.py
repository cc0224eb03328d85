"""Which pushes start no pipeline."""

from __future__ import annotations

import pytest

from mlver.features.releasing.trigger import judge_trigger

ACTIONS = {"GITHUB_ACTIONS": "true"}
KNOWN = {**ACTIONS, "GITHUB_TOKEN": "ghs_own"}
GITLAB = {"GITLAB_CI": "true", "CI_JOB_TOKEN": "own"}


@pytest.mark.parametrize(
    ("environment", "secrets", "said"),
    [
        (KNOWN, {"ghs_own"}, "made with the job's own GITHUB_TOKEN"),
        (KNOWN, {"ghs_an_app"}, None),
        (KNOWN, set(), None),
        (ACTIONS, {"ghs_any"}, "it could be a GitHub App's, too"),
        (ACTIONS, {"ghp_a_person"}, None),
        ({"GITHUB_TOKEN": "ghs_own"}, {"ghs_own"}, None),
        (GITLAB, {"own"}, "made with the job's own CI_JOB_TOKEN"),
        (GITLAB, {"a project's"}, None),
        ({}, {"own"}, None),
    ],
)
def test_a_jobs_own_token_starts_nothing(
    environment: dict[str, str], secrets: set[str], said: str | None
) -> None:
    silence = judge_trigger(environment, secrets)
    assert (silence is None) == (said is None)
    assert said is None or (silence is not None and said in silence.message)
