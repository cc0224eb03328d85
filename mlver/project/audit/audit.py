"""What no single version shows: records changed or deleted since they were committed, tags without records, strays.

Whatever a repository holds, it ends no look at the rest: what stops one is a broken link itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from mlver import paths
from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, command
from mlver.policy.chain import Broken, judge_history
from mlver.project.history import renumbered
from mlver.project.project import Project
from mlver.project.tags import promotion_tags
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.layout import Place
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import Named, read_tag_name

_DONE = {
    "D": "deleted in commit",
    "M": "changed in commit",
    "R": "replaced by the merged branch's in commit",
}
# What git writes into a file where two sides disagree (git-merge(1), "How conflicts are presented").
_CONFLICT = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def spared(subject: str, links: Iterable[Broken]) -> Iterator[Broken]:
    """The broken links found on the way; what stops the looking is one more, about `subject`."""
    try:
        yield from links
    except MlverError as error:
        yield Broken("name", subject, error.message, error.hint)


def unreadable(project: Project, kind: str, path: str, error: MlverError) -> Broken:
    """A record that says nothing; `uncommitted` tells how to undo it where HEAD still holds it whole."""
    said = f"is not valid: {'; '.join(error.faults)}" if isinstance(error, InvalidDocument) else error.message
    try:
        data = project.registry.read(path) or b""
    except MlverError:
        data = b""
    if _CONFLICT.search(data):
        said = "holds both sides of a merge conflict that was never settled"
    return Broken(kind, path, said, command("git", "log", "-p", "--", path))


def config(project: Project) -> Iterator[Broken]:
    """Settings that cannot be read; raise MlverError where `mlver init` never ran."""
    try:
        project.registry.config()
    except InvalidDocument as error:
        found = unreadable(project, "settings", layout.CONFIG, error)
        yield Broken(found.kind, found.subject, found.message, error.hint or found.hint)


def uncommitted(project: Project, models: Sequence[str]) -> list[Broken]:
    """Records that HEAD holds and the work tree does not, or not with the same bytes."""
    head = project.repository.head().commit
    if head is None or not models:
        return []
    folders = [f"{layout.MODELS}/{model}" for model in models]
    held = [path for path in project.repository.files_at(head, *folders) if layout.is_record(path)]
    broken: list[Broken] = []
    blobs = project.repository.blobs(f"{head}:{path}" for path in held)
    for path, committed in zip(held, blobs, strict=True):
        broken += spared(path, _uncommitted(project, path, committed))
    return broken


def _uncommitted(project: Project, path: str, committed: bytes | None) -> Iterator[Broken]:
    data = project.registry.read(path)
    if data != committed:
        what = "is deleted here, though HEAD holds it" if data is None else "differs from what HEAD holds"
        yield Broken("record", path, what, command("git", "checkout", "--", path))


def everything(project: Project) -> list[Broken]:
    """The whole repository: history, tags, manifests, names and all other records, whatever refers to them."""
    looks = (
        ("HEAD", _history(project)),
        ("refs/tags", _tags(project)),
        (layout.MANIFESTS, manifests(project)),
        (layout.MODELS, _files(project)),
        (layout.MODELS, _twins(project)),
    )
    return [link for subject, links in looks for link in spared(subject, links)]


def _history(project: Project) -> Iterator[Broken]:
    """Commits that changed or deleted what should only ever have been added."""
    if project.repository.head().commit is None:
        return
    for change in renumbered.tampering(project, layout.MODELS, layout.MANIFESTS):
        if layout.is_record(change.path):
            yield Broken(
                "history",
                change.path,
                f"was {_DONE[change.kind]} {change.commit[:10]}, after it had been committed",
                command("git", "show", change.commit[:10], "--", change.path),
            )


def _tags(project: Project) -> Iterator[Broken]:
    """Tags whose record is not here. A tag that seals no record is somebody else's `name@v1.2.3`."""
    for name, tag in project.repository.tags().items():
        if "@" in name and tag.seals and not _is_here(project, read_tag_name(name)):
            yield Broken(
                "tag",
                name,
                "seals a record that is not here",
                command("git", "log", "--oneline", "-3", f"refs/tags/{name}", "--", layout.ROOT),
            )


def _is_here(project: Project, named: Named | None) -> bool:
    if named is None:  # git takes names for a tag that no record can have
        return False
    path = layout.path_of(named)
    try:
        return layout.place(path) is not None and project.registry.read(path) is not None
    except MlverError:
        return True  # something is, and named for what it is elsewhere


def manifests(project: Project) -> Iterator[Broken]:
    """Manifests that no longer hash to their names."""
    for name in project.registry.names(layout.MANIFESTS):
        path = f"{layout.MANIFESTS}/{name}"
        yield from spared(path, manifest(project, path, name))


def manifest(project: Project, path: str, name: str) -> Iterator[Broken]:
    """Whether the manifest at a path hashes to its `name`."""
    data = project.registry.read(path)
    if data is not None and f"{Digest.of(data).hex}.sha256" != name:
        yield Broken("manifest", path, "no longer hashes to its name", command("git", "checkout", "--", path))


def _files(project: Project) -> Iterator[Broken]:
    """Every file among the records: names that say nothing, and records that no version's chain leads to."""
    top = os.fspath(paths.inside(project.top, layout.MODELS))
    for directory, folders, files in os.walk(top):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]  # noqa: PTH114, PTH118
        for file in sorted([*links, *files]):
            path = os.path.relpath(os.path.join(directory, file), project.top)  # noqa: PTH118
            place = layout.place(path)
            if place is None or file in links:
                what = "is a symlink, which no record is" if file in links else "is no record's name"
                yield Broken("name", path, what, command("git", "log", "--", path))
            elif place.kind not in ("version", "promotion"):  # those are walked link by link
                yield from record(project, path, place)


def record(project: Project, path: str, place: Place) -> Iterator[Broken]:
    """Settings, an evaluation or an approval: readable, in its own place, and given for the record that is here."""
    try:
        if place.kind == "model":
            settings = project.registry.settings(place.model)
            if settings is not None and settings.model != place.model:
                yield Broken(
                    "settings", path, f"says it is of {settings.model}", command("git", "log", "-p", "--", path)
                )
            return
        found = _read(project, place)
        known = project.registry.digest(found.model, found.version)
    except MlverError as error:
        yield unreadable(project, "settings" if place.kind == "model" else "record", path, error)
        return
    stage = found.stage if isinstance(found, ApprovalRecord) else None
    if (found.model, found.version, stage, found.sequence) != (
        place.model,
        place.version,
        place.stage,
        place.sequence,
    ):
        said = " ".join(filter(None, (found.model, found.version, stage, f"{found.sequence:04d}")))
        yield Broken("record", path, f"says it is {said}", command("git", "log", "--", path))
    elif known is None:
        yield Broken("record", path, f"names {found.version}, which has no record", command("git", "log", "--", path))
    elif found.record != known:
        what = f"was given for another record of {found.version} than the one here"
        yield Broken(
            "record", path, what, command("git", "log", "-p", "--", path, layout.version(place.model, found.version))
        )


def _read(project: Project, place: Place) -> EvaluationRecord | ApprovalRecord:
    assert place.version is not None
    assert place.sequence is not None
    if place.stage is None:
        return project.registry.evaluation(place.model, place.version, place.sequence)
    return project.registry.approval(place.model, place.version, place.stage, place.sequence)


def chains(project: Project, model: str, counted: list[str]) -> Iterator[Broken]:
    """Every stage of a model, promotion by promotion; `counted` is told the path of each."""
    for stage in project.registry.stages(model):
        folder = layout.stage(model, stage)
        history: list[Link] = []
        yield from spared(folder, chain(project, model, stage, counted, history))
        yield from spared(
            folder, promotion_tags.broken(project, model, stage, {one.sequence: digest for one, digest in history})
        )


Link = tuple[PromotionRecord, Digest]


def chain(
    project: Project, model: str, stage: str, counted: list[str], history: list[Link] | None = None
) -> Iterator[Broken]:
    """One stage of a model, as far as its promotions can be read; `history` is told them."""
    folder = layout.stage(model, stage)
    history = [] if history is None else history
    for sequence in project.registry.sequences(folder):
        path = layout.promotion(model, stage, sequence)
        counted.append(path)
        try:
            promotion, digest = project.registry.promotion(model, stage, sequence)
        except MlverError as error:
            yield unreadable(project, "chain", path, error)
            break
        if (promotion.model, promotion.stage, promotion.sequence) != (model, stage, sequence):
            message = f"says it is {promotion.model} {promotion.stage} {promotion.sequence:04d}"
            yield Broken("chain", path, message, command("git", "log", "--", path))
            break
        history.append((promotion, digest))
    digests = {one.version: project.registry.digest(model, one.version) for one, _ in history}
    known = {version: digest for version, digest in digests.items() if digest is not None}
    yield from judge_history(folder, history, known)


def _twins(project: Project) -> Iterator[Broken]:
    """Models that are one folder on many file systems; two branches may each have added one."""
    models = set(project.registry.models())
    head = project.repository.head().commit
    if head is not None:  # where they are one folder, only git still knows both
        models |= {path.split("/")[2] for path in project.repository.files_at(head, layout.MODELS)}
    yield from twins(models)


def twins(models: Iterable[str]) -> Iterator[Broken]:
    """Models that differ by letter case only, each after the first."""
    first: dict[str, str] = {}
    for model in sorted(models):
        other = first.setdefault(model.casefold(), model)
        if other != model:
            path = f"{layout.MODELS}/{model}"
            message = f"differs from the model `{other}` by letter case only: one folder on many machines"
            yield Broken("name", path, message, command("git", "log", "--", path))
