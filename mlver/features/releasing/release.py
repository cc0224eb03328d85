"""`mlver release`: seal what a remote's main line holds, and push the tags so that each starts its pipeline.

Only what is on the first parents of the remote's default branch is released, whatever is checked out here: a release
publishes tags, and never a commit. Nothing that is published is moved: a tag the other side has already is accepted
where it seals the same record, and its record refused where it does not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.releasing import trigger
from mlver.findings import Finding
from mlver.git import changes, remotes
from mlver.git.process import GitFailed
from mlver.git.remotes import RemoteState
from mlver.git.repository import GitTag
from mlver.policy.chain import judge_tag
from mlver.project.edit.edit import PlannedEdit
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.reporter import SilentReporter
from mlver.project.tags import missing_seals, seals
from mlver.project.tags.missing_seals import SealableRecord, SealedRecord
from mlver.project.transaction import editing
from mlver.records import layout


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """`made` are new seals, `pushed` the tags the remote lacked, `accepted` those it got from somebody else, of the
    same records. `branch` is the remote's main line, at `tip`. `silent`: why the push starts no pipeline.

    On a dry run that is what would have come of it.
    """

    remote: str
    branch: str
    tip: str
    made: tuple[SealedRecord, ...]
    pushed: tuple[str, ...]
    accepted: tuple[str, ...]
    refused: tuple[Finding, ...]
    silent: trigger.PipelineSilence | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


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
    with nullcontext() if dry_run else editing(project, "release") as edit:
        if edit is not None:
            project = replace(project, repository=edit.repository)
        name = remotes.choose_remote(project.repository, remote)
        silent = trigger.judge_trigger(os.environ, remotes.push_secrets(project.repository, name))
        there = remotes.read_remote_state(project.repository, name)
        line = _read_main_line(project, name, there, edit)
        return _ReleaseRun(line, edit, name, there, silent, require_trigger).run_release(models)


def _read_main_line(
    project: Project, remote: str, there: RemoteState, edit: PlannedEdit | None
) -> Project:
    """The project as the remote's main line has it; its commits are fetched where they are not here."""
    if not project.repository.has_commit(there.tip):
        if edit is None:
            raise MlverError(
                f"{there.branch} of {remote} is at {there.tip[:10]}, which is not here yet, and a dry run fetches nothing",
                hint=shell_command("git", "fetch", remote),
            )
        remotes.fetch_refs(
            project.repository, remote, [f"refs/heads/{there.branch}"], project.reporter
        )
    if project.repository.is_shallow():
        raise MlverError(
            "this clone is shallow: whether a record was edited since it landed cannot be told; a "
            "pipeline has to fetch the whole history",
            hint=shell_command("git", "fetch", "--unshallow", remote),
        )
    return replace(
        project,
        registry=RecordRegistry(CommittedRecords.at_commit(project.repository, there.tip), None),
    )


@dataclass(slots=True)
class _ReleaseRun:
    """One release under way; `project` reads its records from the main line. Without `edit` nothing is changed."""

    project: Project
    edit: PlannedEdit | None
    remote: str
    there: RemoteState
    silent: trigger.PipelineSilence | None
    require_trigger: bool

    def run_release(self, models: Sequence[str]) -> ReleaseResult:
        here = self.project.repository.tags()
        due = missing_seals.list_sealable(
            self.project, self.there.tip, {*here, *self.there.tags}, models
        )
        _require_models(models, due)
        accepted, refused = self._check_published(due, here)
        lacking = [one for one in due if one.tag not in here and one.tag not in self.there.tags]
        plans, unsealable = missing_seals.plan_missing_tags(
            self.project, self.there.tip, lacking, main_line=True
        )
        waiting = [one for one in due if one.tag in here and one.tag not in self.there.tags]
        if plans or waiting:
            self._warn_if_silent()
        if plans and self.edit is not None:
            self.edit.seal_records(tuple(replace(plan, commit=commit) for plan, commit in plans))
        made = {plan.name for plan, _ in plans}
        faults = self._find_unfit(waiting, here)
        refused += [*faults.values(), *unsealable, *self._find_unlanded(models)]
        ready = [
            one for one in due if one.tag in made or (one in waiting and one.path not in faults)
        ]
        pushed = [one.tag for one in ready]
        if self.edit is not None:
            pushed, more, spoilt = self._push_tags(ready)
            accepted, refused = accepted + more, refused + spoilt
        return ReleaseResult(
            remote=self.remote,
            branch=self.there.branch,
            tip=self.there.tip,
            made=missing_seals.list_sealed(plans),
            pushed=tuple(pushed),
            accepted=tuple(accepted),
            refused=tuple(refused),
            silent=self.silent if pushed else None,
            dry_run=self.edit is None,
        )

    def _warn_if_silent(self) -> None:
        if self.silent is None:
            return
        if self.require_trigger:
            raise MlverError(f"nothing was released: {self.silent.message}", hint=self.silent.hint)
        self.project.reporter.show_note(f"{self.silent.message}; {self.silent.hint}")

    def _push_tags(
        self, ready: Sequence[SealableRecord]
    ) -> tuple[list[str], list[str], list[Finding]]:
        """Push tags, so many at once that each starts a pipeline; who was faster with one is looked at."""
        pushed: list[str] = []
        accepted: list[str] = []
        refused: list[Finding] = []
        left = [one.tag for one in ready]
        while left:
            some = changes.split_batches(left)[0]
            try:
                changes.push_tags(self.project.repository, self.remote, some, self.project.reporter)
            except GitFailed:
                self.there = remotes.read_remote_state(self.project.repository, self.remote)
                taken = [one for one in ready if one.tag in some and one.tag in self.there.tags]
                if not taken:
                    raise
                more, spoilt = self._check_published(taken, {})
                accepted, refused = accepted + more, refused + spoilt
                left = [tag for tag in left if tag not in {one.tag for one in taken}]
            else:
                pushed += some
                left = left[len(some) :]
        return pushed, accepted, refused

    def _check_published(
        self, due: Sequence[SealableRecord], here: Mapping[str, GitTag]
    ) -> tuple[list[str], list[Finding]]:
        """Of what the remote has tags of: the tags that are not this clone's and yet seal the same records; and the
        records that they do not seal."""
        published = [one for one in due if one.tag in self.there.tags]
        ids = {one.tag: self.there.tags[one.tag] for one in published}
        known = {
            tag: here[tag] for tag, oid in ids.items() if tag in here and here[tag].object_id == oid
        }
        foreign = {tag: oid for tag, oid in ids.items() if tag not in known}
        if foreign:
            self._fetch_tags(list(foreign))
        objects = self.project.repository.tag_objects(foreign) if foreign else {}
        if len(objects) < len(foreign) and self.edit is None:
            raise MlverError(
                f"{self.remote} has tags that are not here yet, and a dry run fetches nothing",
                hint=shell_command("git", "fetch", "--tags", self.remote),
            )
        faults = self._find_unfit(published, {**known, **objects}, elsewhere=True)
        return [
            one.tag for one in published if one.tag in foreign and one.path not in faults
        ], list(faults.values())

    def _fetch_tags(self, tags: Sequence[str]) -> None:
        """Those that are not here come to stay; of those that are, only the other side's objects are looked at."""
        if self.edit is None:
            return
        repository = self.project.repository
        remotes.fetch_refs(
            repository, self.remote, [f"refs/tags/{tag}" for tag in tags], self.project.reporter
        )
        here = repository.tags()
        lacking = {tag: self.there.tags[tag] for tag in tags if tag not in here}
        arrived = repository.tag_objects(lacking)
        if arrived:
            self.edit.name_tags({name: tag.object_id for name, tag in arrived.items()})

    def _find_unfit(
        self,
        asked: Sequence[SealableRecord],
        tags: Mapping[str, GitTag],
        *,
        elsewhere: bool = False,
    ) -> dict[str, Finding]:
        """Tags that do not seal the main line's record, by path; and those not published yet on commits it has not."""
        repository = self.project.repository
        seen = [(one, tags[one.tag]) for one in asked if one.tag in tags]
        found: dict[str, Finding] = {}
        held = repository.blobs(f"{tag.commit}:{one.path}" for one, tag in seen) if seen else ()
        landed = repository.blobs(f"{self.there.tip}:{one.path}" for one, _ in seen) if seen else ()
        commits = [tag.commit for _, tag in seen if tag.commit and not elsewhere]
        beyond = remotes.commits_beyond(repository, self.there.tip, commits) if commits else set()
        for (one, tag), there, here in zip(seen, held, landed, strict=True):
            record = Digest.of_bytes(here or b"")
            faults = judge_tag(one.tag, one.path, record, seals.seal_from_bytes(tag, there))
            if faults:
                where = (
                    f"is not what was released: {self.remote}'s"
                    if elsewhere
                    else "cannot be released: its"
                )
                why = "seals another record" if faults[-1].kind == "record" else faults[-1].message
                found[one.path] = Finding(
                    "record",
                    one.path,
                    f"{where} tag {one.tag} {why}",
                    _build_look_hints(one, self.remote),
                )
            elif tag.commit in beyond:
                said = f"is sealed on {tag.commit[:10]}, a commit that {self.there.branch} of {self.remote} has not"
                found[one.path] = Finding(
                    "record",
                    one.path,
                    said,
                    (shell_command("git", "tag", "-d", one.tag), "mlver release"),
                )
        return found

    def _find_unlanded(self, models: Sequence[str]) -> list[Finding]:
        """Records of HEAD that the main line has not yet."""
        head = self.project.repository.head().commit
        if head is None or head == self.there.tip:
            return []
        landed = set(self.project.repository.files_at(self.there.tip, layout.MODELS))
        branch = self.there.branch
        asked = missing_seals.list_sealable(
            replace(self.project, reporter=SilentReporter()), head, self.there.tags, models
        )
        found = [one for one in asked if one.path not in landed]
        hints = (shell_command("git", "push", self.remote, f"HEAD:{branch}"), "mlver release")
        return [
            Finding("record", one.path, f"is not on {branch} of {self.remote} yet", hints)
            for one in found
        ]


def _require_models(models: Sequence[str], due: Sequence[SealableRecord]) -> None:
    there = {one.path.split("/")[2] for one in due}
    for model in models:
        if model not in there:
            raise MlverError(
                f"the main line holds no model `{model}`", hint="mlver list, then git push"
            )


def _build_look_hints(one: SealableRecord, remote: str) -> tuple[str, ...]:
    look = shell_command("git", "ls-remote", remote, f"refs/tags/{one.tag}")
    return (look, "mlver verify --all")
