"""What a push may do: `pre-push` asks it on the way out, `pre-receive` where it arrives.

A tag of a version or a promotion is made once, annotated, on a commit that holds the record it names, and never moves
or goes away.
The pre-commit framework runs no hook for a push of nothing but a tag: so this stands by itself on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.features.hooks.checks import HookResult, find_left_behind
from mlver.findings import Finding
from mlver.git import changes_in, remotes
from mlver.git.changes_in import is_absent
from mlver.git.repository import GitRepository, GitTag
from mlver.policy.chain import judge_tag
from mlver.project.audit import admission, audit, incoming
from mlver.project.audit.incoming import BranchProtection
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.tags import read_tag_name

_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A reference of the other side, from `old` to `new` (ids; zeros where there is nothing)."""

    old: str
    new: str
    ref: str


def judge_pre_push(start: Path, lines: Sequence[str], remote: str | None) -> HookResult:
    """Judge `<local ref> <local id> <remote ref> <remote id>` lines, as git gives them to its pre-push hook."""
    repository = GitRepository.find(start, hooked=True)
    updates = [
        RefUpdate(old=words[3], new=words[1], ref=words[2]) for words in _split_lines(lines, 4)
    ]
    known = f"--remotes={remote}" if remote in remotes.list_remotes(repository) else "--remotes"
    mains = [
        ref
        for ref in changes_in.list_main_branches(repository)
        if ref.startswith(f"refs/remotes/{remote}/")
    ]
    sides = _PushSides(repository, None, known, "own", mains)
    broken, records = sides.judge_updates(updates)
    sent = {update.ref.removeprefix(_TAGS) for update in updates if update.ref.startswith(_TAGS)}
    notes = find_left_behind(
        repository, records, remote or remotes.default_remote(repository), sent
    )
    return HookResult("pre-push", len(updates), broken, notes)


def judge_pre_receive(start: Path, lines: Sequence[str]) -> HookResult:
    """Judge `<old id> <new id> <ref>` lines where they are pushed to; the branch that HEAD names is protected."""
    repository = GitRepository.hosted(start)
    updates = [RefUpdate(*words) for words in _split_lines(lines, 3)]
    branch = repository.head().branch
    broken, _ = _PushSides(
        repository, f"{_BRANCHES}{branch}" if branch else None, "--all", "free", ["HEAD"]
    ).judge_updates(updates)
    return HookResult("pre-receive", len(updates), broken)


def _split_lines(lines: Sequence[str], count: int) -> list[list[str]]:
    words = [line.split(" ") for line in lines if line]
    if any(len(line) != count for line in words):
        raise UsageError("git gives this hook its lines on stdin", hint="mlver hook install")
    return words


@dataclass(frozen=True, slots=True)
class _PushSides:
    """`protected` is the branch whose records are safe from everybody, `others` what holds for all others; `known` is
    what rev-list takes for all that was there before, `mains` the references here that say what main holds there.
    """

    repository: GitRepository
    protected: str | None
    known: str
    others: BranchProtection
    mains: Sequence[str]

    def judge_updates(self, updates: Sequence[RefUpdate]) -> tuple[tuple[Finding, ...], list[str]]:
        """What speaks against the updates, and the version records that go along with them."""
        broken: dict[Finding, None] = {}
        records: dict[str, None] = {}
        for update in updates:
            if update.ref.startswith(_TAGS):
                broken |= dict.fromkeys(audit.catch_errors(update.ref, self._judge_tag(update)))
            elif update.ref.startswith(_BRANCHES):
                links, paths = self._judge_branch(update)
                broken |= dict.fromkeys(links)
                records |= dict.fromkeys(paths)
        return tuple(broken), list(records)

    def _judge_branch(self, update: RefUpdate) -> tuple[list[Finding], list[str]]:
        protected = update.ref == self.protected
        # the other side's commit may be one this clone never fetched
        old = (
            update.old
            if not is_absent(update.old) and self.repository.has_commit(update.old)
            else None
        )
        if is_absent(update.new):
            held = self.repository.files_at(old, layout.MODELS) if protected and old else []
            message = f"holds {len(held)} files of records, and would be deleted"
            return [
                Finding("history", update.ref, message, ("git push origin HEAD:ANOTHER-BRANCH",))
            ] if held else [], []
        line: BranchProtection = "protected" if protected else self.others
        landed = old if protected or self._is_main_branch(update.ref) else self._find_main()
        found = incoming.read_pushed(
            self.repository, update.new, [old or self.known], landed=landed, line=line
        )
        there = [
            path
            for path in found.records
            if path in found.record_tree.entries and layout.is_version_path(path)
        ]
        already = (
            changes_in.find_objects(self.repository, [f"{landed}:{path}" for path in there])
            if landed
            else ()
        )
        told = {path for path, has in zip(there, already, strict=False) if has is not None}
        return admission.judge_incoming(found), [path for path in there if path not in told]

    def _find_main(self) -> str | None:
        """The commit that main has there, as far as it is known here; None where it has none."""
        return next(
            filter(None, (changes_in.find_commit(self.repository, ref) for ref in self.mains)), None
        )

    def _is_main_branch(self, ref: str) -> bool:
        return any(ref.removeprefix(_BRANCHES) == name.rpartition("/")[2] for name in self.mains)

    def _judge_tag(self, update: RefUpdate) -> Iterator[Finding]:
        name = update.ref.removeprefix(_TAGS)
        old, new = (
            self._read_tag_object(name, object_id) for object_id in (update.old, update.new)
        )
        path = self._find_record_path(name, old, new)
        if path is None:
            return
        what, on = _describe_sealed(path)
        if new is None:
            back = shell_command("git", "fetch", "origin", f"{update.ref}:{update.ref}")
            yield Finding("tag", name, f"seals {what}, and would be deleted", (back,))
        elif not is_absent(update.old):
            yield Finding("tag", name, f"seals {what} there already, and would be moved", (on,))
        else:
            yield from self._judge_seal(path, new, shell_command("git", "show", name))

    def _read_tag_object(self, name: str, object_id: str) -> GitTag | None:
        return (
            None
            if is_absent(object_id)
            else self.repository.tag_objects({name: object_id}).get(name)
        )

    def _find_record_path(self, name: str, old: GitTag | None, new: GitTag | None) -> str | None:
        """The record a tag stands for; None for a tag that is none of mlver's, such as a package's `name@v1.2.3`."""
        named = read_tag_name(name)
        path = layout.record_path(named) if named else ""
        place = layout.parse_path(path)
        if place is None:
            return None
        commits = [tag.commit for tag in (old, new) if tag and tag.commit]
        heads = [head for head in (self.repository.head().commit,) if head]
        # `digits@v1.2` may be anybody's, unless there is a stage `v1`
        folder = (
            layout.stage_folder(place.model, place.stage)
            if place.stage
            else f"{layout.MODELS}/{place.model}"
        )
        names = [f"{commit}:{folder}" for commit in (*commits, *heads)]
        sealed = any(tag and tag.seals for tag in (old, new))
        return path if sealed or any(changes_in.find_objects(self.repository, names)) else None

    def _judge_seal(self, path: str, tag: GitTag, show: str) -> Iterator[Finding]:
        held = next(self.repository.blobs([f"{tag.commit}:{path}"])) if tag.commit else None
        sealed = Digest.parse(tag.seals) if tag.seals else None
        links = judge_tag(tag.name, path, sealed or Digest(""), seals.seal_from_bytes(tag, held))
        yield from links
        if not links and held is not None:
            try:
                yield from _find_misplaced(path, held, show)
            except MlverError as error:
                yield Finding("record", path, error.message, (show,))


def _find_misplaced(path: str, data: bytes, show: str) -> Iterator[Finding]:
    """A record that belongs in another place than its own."""
    if layout.is_version_path(path):
        record = decode_version(data, path)
        said, where = (
            f"{record.model} {record.version}",
            layout.version_path(record.model, record.version),
        )
    else:
        moved = decode_promotion(data, path)
        said = f"{moved.model} {moved.stage} {moved.sequence:04d}"
        where = layout.promotion_path(moved.model, moved.stage, moved.sequence)
    if where != path:
        yield Finding("record", path, f"says it is {said}", (show,))


def _describe_sealed(path: str) -> tuple[str, str]:
    """What a tag seals, in words, and the way on for whoever would move it."""
    place = layout.parse_path(path)
    model, stage = (place.model, place.stage) if place else ("MODEL", None)
    if stage:
        return (
            "a promotion",
            f"mlver promote {model} --to {stage} -m WHY",
        )
    return (
        "a version",
        f"mlver register {model} --bump patch -m WHY",
    )
