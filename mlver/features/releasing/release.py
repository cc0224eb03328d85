"""`mlver release`: seal what a remote's main line holds, and push the tags so that each starts its
pipeline.

Only what is on the first parents of the remote's default branch is released, whatever is checked
out here: a release publishes tags, and never a commit. Nothing that is published is moved: a tag
the other side has already is accepted where it seals the same record, and its record refused where
it does not.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.releasing import remote_tags, trigger
from mlver.features.releasing.release_result import ReleaseResult
from mlver.findings import Finding
from mlver.git import changes, remotes
from mlver.git.git_tag import GitTag
from mlver.git.process import GitFailed
from mlver.git.remotes import AdvertisedReferences
from mlver.policy.chain import UNSIGNED, judge_tag
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.intent import SealSource
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.reporter import SilentReporter
from mlver.project.tags import (
    code_pushes,
    gto_mirror,
    held_back_seals,
    missing_seals,
    seals,
    signing,
    standing_tags,
)
from mlver.project.tags.gto_mirror import MirrorPush
from mlver.project.tags.missing_seals import SealableRecord, TagPlans
from mlver.project.transaction import open_edit
from mlver.records import layout


def release_records(
    project: Project,
    models: Sequence[str] = (),
    *,
    remote: str | None = None,
    require_trigger: bool = False,
    dry_run: bool = False,
) -> ReleaseResult:
    """Seal and push what the remote's main line holds of `models` (of all, where none is named)."""
    for model in models:
        names.check_model(model)
    with open_edit(project, "release", dry_run=dry_run) as edit:
        if edit is not None:
            project = replace(project, repository=edit.repository)
        remote_name = remotes.choose_remote(project.repository, remote)
        secrets = remotes.push_secrets(project.repository, remote_name)
        silence = trigger.judge_trigger(os.environ, secrets)
        state = remotes.read_remote_state(project.repository, remote_name)
        main_line = _read_main_line(project, remote_name, state, fetch=edit is not None)
        release = _ReleaseRun(main_line, edit, remote_name, state, silence, require_trigger)
        return release.run_release(models)


def _read_main_line(
    project: Project, remote: str, state: AdvertisedReferences, *, fetch: bool
) -> Project:
    """The project as the remote's main line has it; with `fetch`, its commits are brought here."""
    repository = project.repository
    if not repository.has_commit(state.tip):
        if not fetch:
            raise MlverError(
                f"{state.branch} of {remote} is at {state.tip[:10]}, which is not here yet,"
                " and a dry run fetches nothing",
                hint=shell_command("git", "fetch", remote),
            )
        remotes.fetch_refs(repository, remote, [f"refs/heads/{state.branch}"], project.reporter)
    if repository.is_shallow():
        raise MlverError(
            "this clone is shallow: whether a record was edited since it landed cannot be told;"
            " a pipeline has to fetch the whole history",
            hint=shell_command("git", "fetch", "--unshallow", remote),
        )
    records = CommittedRecords.at_commit(repository, state.tip)
    return replace(project, registry=RecordRegistry(records))


@dataclass(frozen=True, slots=True)
class _PublishedRecords:
    """Of records that the remote has tags of: the tags that seal them, and those they do not seal.

    `accepted` are only tags that did not come from this clone.
    """

    accepted: tuple[str, ...]
    refused: tuple[Finding, ...]

    def join_others(self, other: _PublishedRecords) -> _PublishedRecords:
        return _PublishedRecords(self.accepted + other.accepted, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class _TagPush:
    """The tags that were pushed, and what became of those that somebody else pushed first."""

    pushed: tuple[str, ...]
    outrun: _PublishedRecords


@dataclass(slots=True)
class _ReleaseRun:
    """One release under way: `project` reads its records from the main line.

    `state` is the remote as it answered last. Without `edit` nothing is changed.
    """

    project: Project
    edit: PlannedEdit | None
    remote: str
    state: AdvertisedReferences
    silence: trigger.PipelineSilence | None
    require_trigger: bool

    def run_release(self, models: Sequence[str]) -> ReleaseResult:
        local_tags = self.project.repository.tags()
        tagged = {*local_tags, *self.state.tags}
        records = missing_seals.list_sealable(self.project, self.state.tip, tagged, models)
        _require_models(models, records)
        published = self._check_published(records, local_tags)
        unpublished = [record for record in records if record.tag not in self.state.tags]
        plans, unsealable = self._plan_tags(unpublished, local_tags)
        waiting_records = [record for record in unpublished if record.tag in local_tags]
        if plans or waiting_records:
            self._warn_if_silent()
        if self.edit is not None and plans:
            sealed_tags = tuple(replace(plan, commit=commit) for plan, commit in plans)
            self.edit.seal_records(sealed_tags, SealSource(self.state.tip, main_line=True))
        unfit_records = self._find_unfit(waiting_records, local_tags)
        sealed = missing_seals.list_sealed(plans)
        refused = [*published.refused, *unfit_records.values(), *unsealable]
        # A tag that does not seal what landed stays here: once pushed, it could not be taken back.
        fit_records = [record for record in waiting_records if record.path not in unfit_records]
        ready_tags = {seal.tag for seal in sealed} | {record.tag for record in fit_records}
        ready_records = [record for record in unpublished if record.tag in ready_tags]
        dependents = self._find_dependents(ready_records, refused)
        ready_records = [record for record in ready_records if record.path not in dependents]
        refused += [*dependents.values(), *self._find_unlanded(models)]
        tag_push = self._push_tags(ready_records)
        landed = {record.tag for record in records if record.tag in self.state.tags}
        mirror = self._push_mirrors(models, landed | {record.tag for record in ready_records})
        self._push_code(records)
        return ReleaseResult(
            remote=self.remote,
            branch=self.state.branch,
            tip=self.state.tip,
            made=sealed,
            pushed=tag_push.pushed,
            starting=_list_starting(ready_records, tag_push.pushed),
            accepted=(*published.accepted, *tag_push.outrun.accepted),
            mirrored=mirror.pushed,
            refused=(*refused, *tag_push.outrun.refused, *mirror.findings),
            silent=self.silence if tag_push.pushed else None,
            dry_run=self.edit is None,
        )

    def _find_dependents(
        self, ready: Sequence[SealableRecord], refused: Sequence[Finding]
    ) -> dict[str, Finding]:
        """Find the ready records that depend on a refused one, by path.

        A pipeline that their seals start would serve what was refused.
        """
        by_path = {finding.subject: finding for finding in refused}
        repository = self.project.repository
        return held_back_seals.find_dependents(repository, self.state.tip, ready, by_path)

    def _plan_tags(
        self, unpublished: Sequence[SealableRecord], local: Mapping[str, GitTag]
    ) -> tuple[TagPlans, tuple[Finding, ...]]:
        # A tag that is here is pushed as it is, or refused: none is made again.
        unsealed = [record for record in unpublished if record.tag not in local]
        plans, unsealable = missing_seals.plan_missing_tags(
            self.project, self.state.tip, unsealed, main_line=True
        )
        paths = (plan.path for plan, _ in plans)
        signing.require_signed_seals(self.project, paths, self.state.tip)
        return plans, unsealable

    def _warn_if_silent(self) -> None:
        if self.silence is None:
            return
        if self.require_trigger:
            raise MlverError(
                f"nothing was released: {self.silence.message}", hint=self.silence.hint
            )
        self.project.reporter.show_note(f"{self.silence.message}: {self.silence.hint}")

    def _push_tags(self, ready: Sequence[SealableRecord]) -> _TagPush:
        """Push tags so that those of current records start pipelines; on a dry run, tell which."""
        outrun = _PublishedRecords((), ())
        pushed: list[str] = []
        for batch in missing_seals.split_pushes(ready):
            if self.edit is None:
                pushed += batch
                continue
            batch_push = self._push_batch(ready, batch)
            pushed += batch_push.pushed
            outrun = outrun.join_others(batch_push.outrun)
        return _TagPush(tuple(pushed), outrun)

    def _push_mirrors(self, models: Sequence[str], landed: Collection[str]) -> MirrorPush:
        """Make and push what those go by who go by GTO's tags, of landed promotions."""
        waiting: list[str] = []
        if self.edit is None:
            waiting = [tag for tag in landed if tag not in self.project.repository.tags()]
        work = gto_mirror.plan_all(self.project, models, waiting)
        if self.edit is not None:
            work = gto_mirror.make_planned(self.project, work)
        push = gto_mirror.push_mirrors(
            self.project, self.remote, self.state.tags, landed=landed, dry_run=self.edit is None
        )
        names = dict.fromkeys((*push.pushed, *work.names))
        return MirrorPush(tuple(names), (*push.findings, *work.findings))

    def _push_code(self, records: Sequence[SealableRecord]) -> None:
        """Push what keeps the code commits, last: a remote may take tags and nothing else."""
        if self.edit is None:
            return
        names = code_pushes.name_code_references(record.path for record in records)
        reporter = self.project.reporter
        for note in code_pushes.push_code_references(
            self.edit.repository, self.remote, names, self.state.code, reporter
        ):
            reporter.show_note(note)

    def _push_batch(self, ready: Sequence[SealableRecord], batch: Sequence[str]) -> _TagPush:
        """Push tags at once, but for those that somebody else pushed first."""
        outrun = _PublishedRecords((), ())
        remaining_tags = tuple(batch)
        while remaining_tags:
            try:
                changes.push_tags(
                    self.project.repository, self.remote, remaining_tags, self.project.reporter
                )
            except GitFailed:
                self.state = remotes.read_remote_state(self.project.repository, self.remote)
                # Where nobody was faster, the push failed for another reason, and would again.
                if self.state.tags.keys().isdisjoint(remaining_tags):
                    raise
                rivals = [record for record in ready if record.tag in remaining_tags]
                outrun = outrun.join_others(self._check_published(rivals, {}))
                remaining_tags = tuple(tag for tag in remaining_tags if tag not in self.state.tags)
            else:
                return _TagPush(remaining_tags, outrun)
        return _TagPush((), outrun)

    def _check_published(
        self, records: Sequence[SealableRecord], local: Mapping[str, GitTag]
    ) -> _PublishedRecords:
        """Judge the remote's tags of these records; `local` are the tags of this clone."""
        published = [record for record in records if record.tag in self.state.tags]
        known_tags: dict[str, GitTag] = {}
        foreign: dict[str, str] = {}
        for record in published:
            object_id = self.state.tags[record.tag]
            local_tag = local.get(record.tag)
            if local_tag is not None and local_tag.object_id == object_id:
                known_tags[record.tag] = local_tag
            else:
                foreign[record.tag] = object_id
        if foreign:
            known_tags |= remote_tags.read_remote_tags(
                self.project, self.edit, self.remote, foreign
            )
        unfit_records = self._find_unfit(published, known_tags, elsewhere=True)
        fit_records = [rec for rec in published if rec.path not in unfit_records]
        fit_tags = {rec: known_tags[rec.tag] for rec in fit_records if rec.tag in foreign}
        clashes = remote_tags.find_clashes(self.project, self.remote, self.state.branch, fit_tags)
        accepted = {rec.tag: tag for rec, tag in fit_tags.items() if rec.path not in clashes}
        if self.edit is not None:
            remote_tags.take_over_tags(self.project, self.edit, accepted)
        return _PublishedRecords(tuple(accepted), (*unfit_records.values(), *clashes.values()))

    def _find_unfit(
        self,
        records: Sequence[SealableRecord],
        tags: Mapping[str, GitTag],
        *,
        elsewhere: bool = False,
    ) -> dict[str, Finding]:
        """Tags that do not seal the main line's record, by the record's path.

        Those that are not published yet (not `elsewhere`) are also unfit on commits it lacks.
        """
        repository = self.project.repository
        tagged = [(record, tags[record.tag]) for record in records if record.tag in tags]
        if not tagged:
            return {}
        sealed = repository.blobs(f"{tag.commit}:{record.path}" for record, tag in tagged)
        landed = repository.blobs(f"{self.state.tip}:{record.path}" for record, _ in tagged)
        landings = standing_tags.find_record_landings(self.project, tagged, self.state.tip)
        beyond: set[str] = set()
        if not elsewhere:
            commits = [tag.commit for _, tag in tagged if tag.commit]
            beyond = remotes.commits_beyond(repository, self.state.tip, commits)
        unsigned = standing_tags.find_unsigned(self.project, self.state.tip, tagged)
        unfit_records: dict[str, Finding] = {}
        for (record, tag), sealed_data, landed_data in zip(tagged, sealed, landed, strict=True):
            path = record.path
            digest = Digest.of_bytes(landed_data or b"")
            tag_seal = seals.seal_from_bytes(tag, sealed_data)
            if path in landings:
                tag_seal = replace(tag_seal, landing=landings[path])
            broken = judge_tag(record.tag, path, digest, tag_seal)
            if broken:
                refusal = self._refuse_seal(record, broken[-1], elsewhere=elsewhere)
                unfit_records[path] = refusal
            elif path in unsigned:
                unfit_records[path] = self._refuse_unsigned(record, elsewhere=elsewhere)
            elif tag_seal.landing is None and tag.commit is not None and tag.commit in beyond:
                unfit_records[path] = self._refuse_commit(record, tag.commit)
        return unfit_records

    def _refuse_seal(self, record: SealableRecord, broken: Finding, *, elsewhere: bool) -> Finding:
        reason = "seals another record" if broken.kind == "record" else broken.message
        message = f"cannot be released: its tag {record.tag} {reason}"
        if elsewhere:
            message = f"is not what was released: {self.remote}'s tag {record.tag} {reason}"
        look_command = shell_command("git", "ls-remote", self.remote, f"refs/tags/{record.tag}")
        if elsewhere and broken.kind == "record":
            # It says which of the two records has landed.
            return Finding("record", record.path, message, (look_command, "mlver tag --push"))
        return Finding("record", record.path, message, (look_command, "mlver verify --all"))

    def _refuse_unsigned(self, record: SealableRecord, *, elsewhere: bool) -> Finding:
        message = f"cannot be released: its tag {record.tag} {UNSIGNED}"
        delete_ours = shell_command("git", "tag", "-d", record.tag)
        hints: tuple[str, ...] = (delete_ours, "mlver release")
        if elsewhere:
            message = (
                f"is not what was released: {self.remote}'s tag {record.tag} {UNSIGNED};"
                " it has to be deleted there and here, and made again"
            )
            delete_theirs = shell_command("git", "push", self.remote, f":refs/tags/{record.tag}")
            hints = (delete_theirs, delete_ours, "mlver release")
        return Finding("record", record.path, message, hints)

    def _refuse_commit(self, record: SealableRecord, commit: str) -> Finding:
        # Once it is deleted, the next release seals the record on the commit that landed it.
        branch = f"{self.state.branch} of {self.remote}"
        message = f"is sealed on {commit[:10]}, a commit that {branch} has not"
        delete_command = shell_command("git", "tag", "-d", record.tag)
        return Finding("record", record.path, message, (delete_command, "mlver release"))

    def _find_unlanded(self, models: Sequence[str]) -> list[Finding]:
        """Records of HEAD that the main line has not yet."""
        repository = self.project.repository
        head_commit = repository.head().commit
        if head_commit is None or head_commit == self.state.tip:
            return []
        landed_paths = set(repository.files_at(self.state.tip, layout.MODELS))
        # What was passed over on the main line has been noted already.
        silent_project = replace(self.project, reporter=SilentReporter())
        branch = self.state.branch
        message = f"is not on {branch} of {self.remote} yet"
        push_command = shell_command("git", "push", self.remote, f"HEAD:{branch}")
        unlanded: list[Finding] = []
        for record in missing_seals.list_sealable(
            silent_project, head_commit, self.state.tags, models
        ):
            if record.path not in landed_paths:
                unlanded.append(
                    Finding("record", record.path, message, (push_command, "mlver release"))
                )
        return unlanded


def _list_starting(records: Sequence[SealableRecord], pushed: Sequence[str]) -> tuple[str, ...]:
    """List the pushed tags that are to start a pipeline."""
    current_tags = {record.tag for record in records if record.current}
    return tuple(tag for tag in pushed if tag in current_tags)


def _require_models(models: Sequence[str], records: Sequence[SealableRecord]) -> None:
    landed_models: set[str] = set()
    for record in records:
        place = layout.parse_path(record.path)
        if place is not None:
            landed_models.add(place.model)
    for model in models:
        if model not in landed_models:
            raise MlverError(
                f"the main line holds no model `{model}`", hints=("mlver list", "git push")
            )
