"""The policies of stages as commits hold them, and which of them judge a promotion.

The rule that judges is the main branch's and the work tree's: both have to pass. The record names
the commit of the main branch, so that anybody can read the rule again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, shell_command
from mlver.git import changes_in
from mlver.git.main_branch import find_main_branch
from mlver.git.repository import GitRepository
from mlver.policy.policy_digest import build_policy, digest_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.registry.registry import describe_unknown_sections
from mlver.records import byte_limits, layout
from mlver.records.config import ProjectConfig
from mlver.records.references import PolicyReference


@dataclass(frozen=True, slots=True)
class CommittedSettings:
    """The settings as a commit holds them: `config` is None where they cannot be read.

    `fault` says why not.
    """

    config: ProjectConfig | None
    fault: str | None = None

    @property
    def signers_path(self) -> str:
        """Where the file of allowed signers is."""
        return layout.ALLOWED_SIGNERS if self.config is None else self.config.policy.signers

    def find_policy(self, stage: str) -> StagePolicy | None:
        if self.config is None:
            return None
        return build_policy(self.config, stage)


NO_SETTINGS = CommittedSettings(None)


def read_settings(
    repository: GitRepository, commits: Iterable[str]
) -> dict[str, CommittedSettings]:
    """Read the settings of many commits, by the name of each.

    Few of them differ, so each of their contents is read and parsed once.
    """
    names = list(dict.fromkeys(commits))
    known_objects = changes_in.find_objects(
        repository, [f"{name}:{layout.CONFIG}" for name in names]
    )
    limit = byte_limits.find_byte_limit(layout.CONFIG)
    object_ids: dict[str, str] = {}
    readable: dict[str, None] = {}
    for name, known in zip(names, known_objects, strict=True):
        if known is None or known.kind != "blob":
            continue
        object_ids[name] = known.object_id
        if known.size <= limit:
            readable[known.object_id] = None
    parsed = parse_settings(repository, readable)
    too_long = CommittedSettings(None, "is longer than any settings are")
    settings = dict.fromkeys(names, NO_SETTINGS)
    for name, object_id in object_ids.items():
        settings[name] = parsed.get(object_id, too_long)
    return settings


def parse_settings(
    repository: GitRepository, object_ids: Iterable[str]
) -> dict[str, CommittedSettings]:
    """Parse the settings in these blobs, by their ids; blobs that are not here are left out."""
    wanted = list(dict.fromkeys(object_ids))
    if not wanted:
        return {}
    parsed: dict[str, CommittedSettings] = {}
    for object_id, data in zip(wanted, repository.blobs(wanted), strict=True):
        if data is not None:
            parsed[object_id] = _parse_settings(data)
    return parsed


def _parse_settings(data: bytes) -> CommittedSettings:
    try:
        byte_limits.check_length(layout.CONFIG, data)
        document = codec.decode_document("config", data, layout.CONFIG)
    except MlverError as error:
        return CommittedSettings(None, error.message)
    return CommittedSettings(ProjectConfig.from_document(document))


def digest_signers(
    repository: GitRepository, settings: Mapping[str, CommittedSettings]
) -> dict[str, Digest]:
    """Digest the file of allowed signers of many commits, by the name of each.

    It is where their `settings` say. Commits without such a file are left out.
    """
    names = list(settings)
    places = [f"{name}:{settings[name].signers_path}" for name in names]
    known_objects = changes_in.find_objects(repository, places)
    object_ids: dict[str, str] = {}
    for name, known in zip(names, known_objects, strict=True):
        if known is not None and known.kind == "blob":
            object_ids[name] = known.object_id
    if not object_ids:
        return {}
    distinct = list(dict.fromkeys(object_ids.values()))
    digests = dict(zip(distinct, repository.blob_digests(distinct), strict=True))
    signers: dict[str, Digest] = {}
    for name, object_id in object_ids.items():
        digest = digests[object_id]
        if digest is not None:
            signers[name] = digest
    return signers


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingRules:
    """What judges a promotion that is made now.

    `policies` are the stage's, each of which has to pass. `signed`: one of them asks for signed
    seals. `reference` is what the record says of the policy. `differs`: the work tree's policy is
    not that of `source`, the main branch.
    """

    policies: tuple[StagePolicy, ...]
    signed: bool
    reference: PolicyReference
    source: str | None
    differs: bool


def read_judging_rules(project: Project, stage: str) -> JudgingRules:
    """Read what judges a promotion to a stage.

    Raise UsageError for a stage that the work tree does not have, and MlverError where the main
    branch's settings cannot be read in full: nobody knows what they forbid.
    """
    read_rule(project, stage)
    own_config = project.registry.read_config()
    own_policy = build_policy(own_config, stage)
    assert own_policy is not None
    committed = _find_committed(project.repository, stage)
    if committed is None:
        reference = PolicyReference(commit=None, digest=digest_policy(own_policy), signers=None)
        return JudgingRules(
            policies=(own_policy,),
            signed=own_config.tags.signed,
            reference=reference,
            source=None,
            differs=False,
        )
    policy = committed.policy
    settings = {committed.commit: CommittedSettings(committed.config)}
    signers = digest_signers(project.repository, settings)
    reference = PolicyReference(
        commit=committed.commit,
        digest=digest_policy(policy),
        signers=signers.get(committed.commit),
    )
    differs = policy != own_policy
    policies = [own_policy]
    if differs:
        policies.append(policy)
    return JudgingRules(
        policies=tuple(policies),
        signed=own_config.tags.signed or committed.config.tags.signed,
        reference=reference,
        source=committed.name,
        differs=differs,
    )


@dataclass(frozen=True, slots=True)
class _CommittedRule:
    """The settings of a commit that defines the stage; `name` is what people call that commit."""

    name: str
    commit: str
    config: ProjectConfig
    policy: StagePolicy


def _find_committed(repository: GitRepository, stage: str) -> _CommittedRule | None:
    """Find the rule of the main branch, or else, where that has no such stage, HEAD's."""
    reference = find_judging_branch(repository)
    sources: dict[str, str] = {}
    if reference is not None:
        sources[reference] = reference.removeprefix("refs/heads/")
    sources["HEAD"] = "HEAD"
    commits = changes_in.find_objects(repository, [f"{name}^{{commit}}" for name in sources])
    settings = read_settings(repository, sources)
    for (reference, name), commit in zip(sources.items(), commits, strict=True):
        committed = settings[reference]
        _require_readable(committed, name)
        policy = committed.find_policy(stage)
        if commit is None or policy is None or committed.config is None:
            continue
        shown_name = name.removeprefix("refs/remotes/")
        return _CommittedRule(shown_name, commit.object_id, committed.config, policy)
    return None


def find_judging_branch(repository: GitRepository) -> str | None:
    """Find the branch whose settings judge; None where this clone has no main branch.

    That is the main branch, or the one that its settings name as `policy.from`. Raise MlverError
    where its settings cannot be read in full, or where that other branch is not here.
    """
    main = find_main_branch(repository)
    if main.reference is None:
        return None
    name = main.reference.removeprefix("refs/heads/")
    settings = read_settings(repository, [main.reference])[main.reference]
    _require_readable(settings, name)
    config = settings.config
    if config is None or config.policy.branch in (None, main.name):
        return main.reference
    # It is looked for where the main branch is: another of that name may be anybody's.
    folder = main.reference.removesuffix(main.name)
    reference = f"{folder}{config.policy.branch}"
    (known,) = changes_in.find_objects(repository, [f"{reference}^{{commit}}"])
    if known is None:
        raise MlverError(
            f"the settings of {name} say that those of {config.policy.branch} judge promotions, and"
            " this clone has no such branch",
            hint="git fetch",
        )
    return reference


def _require_readable(settings: CommittedSettings, name: str) -> None:
    fault = settings.fault
    if settings.config is not None and settings.config.unknown_sections:
        fault = describe_unknown_sections(settings.config)
    if fault is not None:
        raise MlverError(
            f"the settings of {name}, which judge every promotion, cannot be read: {fault}",
            hint=shell_command("git", "show", f"{name}:{layout.CONFIG}"),
        )
