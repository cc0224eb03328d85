"""Whether pushing a tag starts a pipeline: forges start none for pushes made with a job's own
token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PipelineSilence:
    """Why pushes from here start no pipeline and what to do about it, with a command that helps."""

    message: str
    hint: str


_START_WORKFLOW = "gh workflow run WORKFLOW --ref TAG"
_GITHUB = PipelineSilence(
    "this push is made with the job's own GITHUB_TOKEN,"
    " and GitHub starts no workflow for what that pushes;"
    " check out with a deploy key (`ssh-key:`) or a GitHub App's token (`token:`),"
    " or start the workflow yourself",
    _START_WORKFLOW,
)
_GITLAB = PipelineSilence(
    "this push is made with the job's own CI_JOB_TOKEN,"
    " and GitLab starts no pipeline for what that pushes;"
    " push with a project access token or a deploy key that may write",
    "git remote set-url --push origin URL",
)
_PERHAPS = PipelineSilence(
    "this push may be made with the job's own GITHUB_TOKEN,"
    " and GitHub starts no workflow for what that pushes;"
    " it could be a GitHub App's, too, and mlver can tell them apart only in a step with"
    " `env: GITHUB_TOKEN: ${{ github.token }}`; where it is the job's, start the workflow yourself",
    _START_WORKFLOW,
)
# GitHub gives installations of Apps tokens of this kind, and a job's own token is one of them.
_INSTALLATION = "ghs_"


def judge_trigger(
    environment: Mapping[str, str], secrets: Collection[str]
) -> PipelineSilence | None:
    """Why a push that shows these secrets starts no pipeline.

    None where it does start one, and outside of a forge's jobs.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        job_token = environment.get("GITHUB_TOKEN")
        if job_token in secrets:
            return _GITHUB
        # A step sees its job's token only where the workflow passes it on.
        if not job_token and any(secret.startswith(_INSTALLATION) for secret in secrets):
            return _PERHAPS
    if environment.get("GITLAB_CI") == "true" and environment.get("CI_JOB_TOKEN") in secrets:
        return _GITLAB
    return None
