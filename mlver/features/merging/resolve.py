"""`mlver resolve`: give the records of one side of a merge other numbers, where both sides claimed the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Literal

from mlver import paths
from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, UsageError, shell_command
from mlver.features.merging import settings_merge
from mlver.features.merging.renumber import MergeResolution, RewrittenRecord
from mlver.findings import Finding
from mlver.git import merging, remotes
from mlver.git.merging import MergeState
from mlver.project.edit.recovery import read_if_there
from mlver.project.history.parents import find_renumbered_parent
from mlver.project.history.stage_history import read_history
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.tags import seals
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.tags import promotion_tag_name

MergeSide = Literal["ours", "theirs"]
_AGAIN = "git rebase --exec 'mlver resolve && git commit --quiet --amend --no-edit --allow-empty'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveResult:
    """`rewrite` is the side that gave way, for the reason `why`; `settled` are settings files that were merged.

    `written` are the paths that were not yet as they are to be; `untagged` local tags of former records that
    were deleted. `conflicts` counts files that are not mlver's and still hold both sides; `next` says how to go on.
    """

    during: str
    rewrite: MergeSide
    why: str
    rewritten: tuple[RewrittenRecord, ...]
    dropped: tuple[Finding, ...]
    settled: tuple[str, ...]
    written: tuple[str, ...]
    untagged: tuple[str, ...]
    left: tuple[Finding, ...]
    conflicts: int
    next: tuple[str, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.left else 0


def resolve_conflicts(
    project: Project, *, rewrite: MergeSide | None = None, dry_run: bool = False
) -> ResolveResult:
    """Settle what stopped a merge, rebase or cherry-pick and stage it; or mend the last commit, after a rebase."""
    project = project.without_cache
    with nullcontext() if dry_run else editing(project, "resolve") as edit:
        meeting = _find_merge_state(project)
        side, why = _choose_side(project, meeting, rewrite)
        work = _MergeWork(project, meeting, side)
        untags, fetch = work.find_stale_tags()
        files = work.build_files()
        if edit is not None and (files or untags):
            for path, data in files.items():
                if data is None:
                    edit.remove_file(path)
                else:
                    edit.put_file(path, data)
            edit.resolve_merge(meeting, untags)
    done = work.resolution
    return ResolveResult(
        during=meeting.what,
        rewrite=side,
        why=why,
        rewritten=tuple(done.rewritten),
        dropped=tuple(done.dropped),
        settled=tuple(work.settled),
        written=tuple(files),
        untagged=tuple(untags),
        left=tuple(work.left),
        conflicts=sum(not path.startswith(f"{layout.ROOT}/") for path in work.unmerged),
        next=tuple(
            _list_next_steps(work, meeting, fetch, changed=bool(files), untagged=bool(untags))
        ),
        dry_run=dry_run,
    )


def _find_merge_state(project: Project) -> MergeState:
    repository = project.repository
    found = merging.find_merge_state(repository)
    if found is not None:
        return found
    unfinished = repository.unfinished()
    if unfinished is not None and unfinished[0] != "a rebase":
        raise MlverError(
            f"{unfinished[0]} is in progress, which has no second side", hint=unfinished[1]
        )
    found = merging.last_commit_state(repository)
    if found is None:
        raise MlverError(
            "no merge has stopped here, so there is nothing to resolve", hint="mlver verify --all"
        )
    return found


def _choose_side(
    project: Project, meeting: MergeState, told: MergeSide | None
) -> tuple[MergeSide, str]:
    """The side whose records get other numbers, and why that one."""
    if meeting.what != "merge":
        if told == "ours":
            raise UsageError(
                f"in a {meeting.what} only what comes on top can be rewritten",
                hint="mlver resolve --rewrite theirs",
            )
        return "theirs", "it comes on top of what is there"
    if told is not None:
        return told, "you said so"
    repository = project.repository
    for tip, what in (
        (merging.find_landing_branch(repository), "has landed on"),
        (merging.find_main_branch(repository), "is on"),
    ):
        if tip is None:
            continue
        on = [
            merging.is_ancestor(repository, tip, commit)
            for commit in (meeting.ours, meeting.theirs)
        ]
        if on[0] != on[1]:
            name = tip.split("/", 2)[2]
            return ("theirs", f"ours {what} {name}") if on[0] else ("ours", f"theirs {what} {name}")
    raise MlverError(
        "it cannot be told which side gives way, ours (the branch you are on) or theirs (the one that is merged): "
        "neither of them alone is on a main branch",
        hints=("mlver resolve --rewrite ours", "mlver resolve --rewrite theirs"),
    )


class _MergeWork:
    """What is to be done, worked out before anything is."""

    def __init__(self, project: Project, meeting: MergeState, side: MergeSide) -> None:
        self.project, self.meeting, self.side = project, meeting, side
        git = project.repository
        self.ours, self.theirs = (
            CommittedRecords.at_commit(git, commit) for commit in (meeting.ours, meeting.theirs)
        )
        self.base = (
            CommittedRecords.at_commit(git, meeting.base)
            if meeting.base
            else CommittedRecords(git, {})
        )
        self.own, self.kept = (
            (self.ours, self.theirs) if side == "ours" else (self.theirs, self.ours)
        )
        self.resolution = MergeResolution(project, self.kept, self.own, self.base)
        self.unmerged = merging.list_unmerged(git)
        self.settled: list[str] = []
        self.left: list[Finding] = []
        self._check_landed()

    def _check_landed(self) -> None:
        """No record that is on the remote's main branch gets another number."""
        landing = merging.find_landing_branch(self.project.repository)
        there = (
            CommittedRecords.at_commit(self.project.repository, landing).entries if landing else {}
        )
        gone = [
            *(one.old for one in self.resolution.rewritten),
            *(one.subject for one in self.resolution.dropped),
        ]
        for path in gone:
            if landing and there.get(path) == self.own.entries[path]:
                raise MlverError(
                    f"{path} has landed on {landing.split('/', 2)[2]}, and what has landed keeps its number",
                    hint=self._suggest_other_side(),
                )

    def _suggest_other_side(self) -> str:
        other = "theirs" if self.side == "ours" else "ours"
        return f"mlver resolve --rewrite {other}"

    def find_stale_tags(self) -> tuple[dict[str, str], str | None]:
        """Local tags that seal what has another number now, with their object ids; and a remote to fetch tags from.

        Raise MlverError where a remote has one of them: what is sealed for others keeps its number.
        """
        changed = {(model, named.version): named.record for model, named in self.resolution.changed}
        found: dict[str, str] = {}
        for (model, version), record in changed.items():
            for tag, seal in seals.read_tagged_seals(self.project, model, [version]).values():
                if seal.sealed == record:
                    found[tag.name] = tag.object_id
        events = self._find_stale_promotion_tags()
        fetch = None
        for remote in remotes.list_remotes(self.project.repository) if found or events else ():
            there = remotes.list_remote_tags(self.project.repository, remote)
            # what was told to others stays told; it decides nothing
            events = {
                name: object_id
                for name, object_id in events.items()
                if there.get(name) != object_id
            }
            for name, object_id in (found | events).items():
                if there.get(name) == object_id:
                    raise MlverError(
                        f"{name} is on {remote}: a version whose seal was pushed keeps its number",
                        hint=self._suggest_other_side(),
                    )
                if name in there:
                    fetch = remote
        return found | events, fetch

    def _find_stale_promotion_tags(self) -> dict[str, str]:
        """Local tags, with their object ids, that tell of promotions which read otherwise now."""
        was: dict[str, Digest] = {}
        for path in [
            *(one.old for one in self.resolution.rewritten),
            *(one.subject for one in self.resolution.dropped),
        ]:
            place, data = layout.parse_path(path), self.own.read_file(path)
            if place and place.kind == "promotion" and data is not None:
                was[promotion_tag_name(place.model, place.stage or "", place.sequence or 0)] = (
                    Digest.of_bytes(data)
                )
        tags = self.project.repository.tags(*(f"refs/tags/{name}" for name in was)) if was else {}
        return {name: tag.object_id for name, tag in tags.items() if tag.seals == str(was[name])}

    def build_files(self) -> dict[str, bytes | None]:
        """What has to be written: every file that the index or the work tree holds otherwise."""
        wanted = dict(self.resolution.files)
        if self.meeting.what == "commit":
            wanted = {
                path: data for path, data in wanted.items() if data != self.own.read_file(path)
            }
            self._check_earlier_commits(bool(wanted))
        wanted |= self._merge_settings()
        git = self.project.repository
        held = dict(zip(wanted, git.blobs(f":{path}" for path in wanted), strict=True))
        return {
            path: data
            for path, data in wanted.items()
            if path in self.unmerged
            or held[path] != data
            or read_if_there(paths.join_inside(git.top, path)) != data
        }

    def _merge_settings(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted(self.unmerged):
            if not path.startswith(f"{layout.ROOT}/") or path in self.resolution.files:
                continue
            base, ours, theirs = (
                side.read_file(path) for side in (self.base, self.ours, self.theirs)
            )
            hints = (shell_command("git", "diff", "--", path), shell_command("git", "add", path))
            if settings_merge.find_kind(path) is None:
                self.left.append(Finding("conflict", path, "is not mlver's to settle", hints))
                continue
            if ours is None or theirs is None:
                side = "ours" if ours is None else "theirs"
                keep_or_drop = (shell_command("git", "add", path), shell_command("git", "rm", path))
                self.left.append(Finding("conflict", path, f"was deleted by {side}", keep_or_drop))
                continue
            try:
                data, clashes = settings_merge.merge_settings(path, base, ours, theirs)
            except InvalidDocument as error:
                self.left.append(
                    Finding("settings", path, f"cannot be read: {'; '.join(error.faults)}", hints)
                )
                continue
            if clashes:
                self.left.append(
                    Finding("conflict", path, f"both sides set {', '.join(clashes)}", hints)
                )
            else:
                self.settled.append(path)
                yield path, data

    def _check_earlier_commits(self, here: bool) -> None:
        """What an earlier commit than the last leaves broken; that takes going over them one by one."""
        main = merging.find_landing_branch(self.project.repository) or merging.find_main_branch(
            self.project.repository
        )
        hint = f"{_AGAIN} {main.split('/', 2)[2] if main else 'UPSTREAM'}"
        if main and merging.is_ancestor(self.project.repository, main, self.meeting.theirs):
            hint = "mlver verify --all"  # no commit here is on top of it, that could be gone over
        registry = self.project.registry
        for model in () if here else registry.list_models():
            for stage in registry.list_stages(model):
                _, broken = read_history(self.project, model, stage)
                self.left += [replace(finding, hints=(hint,)) for finding in broken]
            for number in registry.list_versions(model):
                record, _ = registry.read_version(model, number)
                parent = find_renumbered_parent(self.project.repository, registry, record)
                if parent is not None:
                    said = f"was trained from what is {parent} now, not from the {record.parent} that is here"
                    self.left.append(Finding("record", f"{model} {number}", said, (hint,)))


def _list_next_steps(
    work: _MergeWork, meeting: MergeState, fetch: str | None, *, changed: bool, untagged: bool
) -> Iterator[str]:
    if meeting.what == "commit" and not changed:
        return
    if not work.left:
        yield meeting.finish
    if meeting.what == "rebase" and work.resolution.changed:
        yield "mlver resolve"
    if fetch:
        yield shell_command("git", "fetch", "--tags", fetch)
    if work.resolution.changed or untagged:
        yield "mlver tag"
