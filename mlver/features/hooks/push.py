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
from mlver.errors import MlverError, UsageError, command
from mlver.features.hooks.checks import HookResult, left_behind
from mlver.git import remotes, touched
from mlver.git.repository import Repository, Tag
from mlver.git.touched import is_absent
from mlver.policy.chain import Broken, judge_tag
from mlver.project.audit import admission, audit, incoming
from mlver.project.audit.incoming import Line
from mlver.project.registry.registry import decoded_promotion, decoded_version
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.tags import read_tag_name

_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


@dataclass(frozen=True, slots=True)
class Update:
    """A reference of the other side, from `old` to `new` (ids; zeros where there is nothing)."""

    old: str
    new: str
    ref: str


def pre_push(start: Path, lines: Sequence[str], remote: str | None) -> HookResult:
    """Judge `<local ref> <local id> <remote ref> <remote id>` lines, as git gives them to its pre-push hook."""
    repository = Repository.find(start, hooked=True)
    updates = [Update(old=words[3], new=words[1], ref=words[2]) for words in _words(lines, 4)]
    known = f"--remotes={remote}" if remote in remotes.names(repository) else "--remotes"
    mains = [ref for ref in touched.main_branches(repository) if ref.startswith(f"refs/remotes/{remote}/")]
    sides = _Sides(repository, None, known, "own", mains)
    broken, records = sides.judged(updates)
    sent = {update.ref.removeprefix(_TAGS) for update in updates if update.ref.startswith(_TAGS)}
    notes = left_behind(repository, records, remote or remotes.default(repository), sent)
    return HookResult("pre-push", len(updates), broken, notes)


def pre_receive(start: Path, lines: Sequence[str]) -> HookResult:
    """Judge `<old id> <new id> <ref>` lines where they are pushed to; the branch that HEAD names is protected."""
    repository = Repository.hosted(start)
    updates = [Update(*words) for words in _words(lines, 3)]
    branch = repository.head().branch
    broken, _ = _Sides(repository, f"{_BRANCHES}{branch}" if branch else None, "--all", "free", ["HEAD"]).judged(
        updates
    )
    return HookResult("pre-receive", len(updates), broken)


def _words(lines: Sequence[str], count: int) -> list[list[str]]:
    words = [line.split(" ") for line in lines if line]
    if any(len(line) != count for line in words):
        raise UsageError("git gives this hook its lines on stdin", hint="mlver hook install")
    return words


@dataclass(frozen=True, slots=True)
class _Sides:
    """`protected` is the branch whose records are safe from everybody, `others` what holds for all others; `known` is
    what rev-list takes for all that was there before, `mains` the references here that say what main holds there.
    """

    repository: Repository
    protected: str | None
    known: str
    others: Line
    mains: Sequence[str]

    def judged(self, updates: Sequence[Update]) -> tuple[tuple[Broken, ...], list[str]]:
        """What speaks against the updates, and the version records that go along with them."""
        broken: dict[Broken, None] = {}
        records: dict[str, None] = {}
        for update in updates:
            if update.ref.startswith(_TAGS):
                broken |= dict.fromkeys(audit.spared(update.ref, self._tag(update)))
            elif update.ref.startswith(_BRANCHES):
                links, paths = self._branch(update)
                broken |= dict.fromkeys(links)
                records |= dict.fromkeys(paths)
        return tuple(broken), list(records)

    def _branch(self, update: Update) -> tuple[list[Broken], list[str]]:
        protected = update.ref == self.protected
        # the other side's commit may be one this clone never fetched
        old = update.old if not is_absent(update.old) and self.repository.has_commit(update.old) else None
        if is_absent(update.new):
            held = self.repository.files_at(old, layout.MODELS) if protected and old else []
            message = f"holds {len(held)} files of records, and would be deleted"
            return [Broken("history", update.ref, message, "git push origin HEAD:ANOTHER-BRANCH")] if held else [], []
        line: Line = "protected" if protected else self.others
        landed = old if protected or self._is_main(update.ref) else self._main()
        found = incoming.pushed(self.repository, update.new, [old or self.known], landed=landed, line=line)
        there = [path for path in found.records if path in found.tree.entries and layout.is_version(path)]
        already = touched.objects(self.repository, [f"{landed}:{path}" for path in there]) if landed else ()
        told = {path for path, has in zip(there, already, strict=False) if has is not None}
        return admission.broken(found), [path for path in there if path not in told]

    def _main(self) -> str | None:
        """The commit that main has there, as far as it is known here; None where it has none."""
        return next(filter(None, (touched.commit_of(self.repository, ref) for ref in self.mains)), None)

    def _is_main(self, ref: str) -> bool:
        return any(ref.removeprefix(_BRANCHES) == name.rpartition("/")[2] for name in self.mains)

    def _tag(self, update: Update) -> Iterator[Broken]:
        name = update.ref.removeprefix(_TAGS)
        old, new = (self._tag_object(name, object_id) for object_id in (update.old, update.new))
        path = self._path(name, old, new)
        if path is None:
            return
        what, on = _what(path)
        if new is None:
            back = f"git fetch origin {update.ref}:{update.ref}   (where it is gone here, too)"
            yield Broken("tag", name, f"seals {what}, and would be deleted", back)
        elif not is_absent(update.old):
            yield Broken("tag", name, f"seals {what} there already, and would be moved", on)
        else:
            yield from self._seal(path, new, command("git", "show", name))

    def _tag_object(self, name: str, object_id: str) -> Tag | None:
        return None if is_absent(object_id) else self.repository.tag_objects({name: object_id}).get(name)

    def _path(self, name: str, old: Tag | None, new: Tag | None) -> str | None:
        """The record a tag stands for; None for a tag that is none of mlver's, such as a package's `name@v1.2.3`."""
        named = read_tag_name(name)
        path = layout.path_of(named) if named else ""
        place = layout.place(path)
        if place is None:
            return None
        commits = [tag.commit for tag in (old, new) if tag and tag.commit]
        heads = [head for head in (self.repository.head().commit,) if head]
        # `digits@v1.2` may be anybody's, unless there is a stage `v1`
        folder = layout.stage(place.model, place.stage) if place.stage else f"{layout.MODELS}/{place.model}"
        names = [f"{commit}:{folder}" for commit in (*commits, *heads)]
        sealed = any(tag and tag.seals for tag in (old, new))
        return path if sealed or any(touched.objects(self.repository, names)) else None

    def _seal(self, path: str, tag: Tag, show: str) -> Iterator[Broken]:
        held = next(self.repository.blobs([f"{tag.commit}:{path}"])) if tag.commit else None
        sealed = Digest.parse(tag.seals) if tag.seals else None
        links = judge_tag(tag.name, path, sealed or Digest(""), seals.seal_of(tag, held))
        yield from links
        if not links and held is not None:
            try:
                yield from _elsewhere(path, held, show)
            except MlverError as error:
                yield Broken("record", path, error.message, show)


def _elsewhere(path: str, data: bytes, show: str) -> Iterator[Broken]:
    """A record that belongs in another place than its own."""
    if layout.is_version(path):
        record = decoded_version(data, path)
        said, where = f"{record.model} {record.version}", layout.version(record.model, record.version)
    else:
        moved = decoded_promotion(data, path)
        said = f"{moved.model} {moved.stage} {moved.sequence:04d}"
        where = layout.promotion(moved.model, moved.stage, moved.sequence)
    if where != path:
        yield Broken("record", path, f"says it is {said}", show)


def _what(path: str) -> tuple[str, str]:
    """What a tag seals, in words, and the way on for whoever would move it."""
    place = layout.place(path)
    model, stage = (place.model, place.stage) if place else ("MODEL", None)
    if stage:
        return "a promotion", f"mlver promote {model} --to {stage} -m WHY   (each move of a stage is a new promotion)"
    return "a version", f"mlver register {model} --bump patch -m WHY   (a version that was sealed stays what it was)"
