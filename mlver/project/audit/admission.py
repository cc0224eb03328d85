"""Whether records may come in: each of those touched by itself, and the chains they are links of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.chain import judge_seal
from mlver.project.audit import audit
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.layout import RecordPath
from mlver.records.manifest import Manifest
from mlver.records.tags import version_tag_name


def judge_incoming(incoming: IncomingChanges) -> list[Finding]:
    """Everything that speaks against what is coming in; what was edited once it had landed comes first."""
    if incoming.records:
        incoming.project.registry.refuse_newer_settings()
    there = [path for path in incoming.records if path in incoming.record_tree.entries]
    incoming.record_tree.fetch_files(there)
    found = list(incoming.edits)
    edited = {link.subject for link in found}
    unedited = [path for path in there if path not in edited]
    for path in unedited:
        found += audit.catch_errors(path, _judge_file(incoming, path))
    # what was edited breaks the chains it is in; told once, it is enough
    found += _judge_chains(incoming, [path for path in incoming.records if path not in edited])
    found += _judge_seals(incoming.project, unedited)
    found += _find_case_collisions(incoming, there)
    return list(dict.fromkeys(found))


def _judge_file(incoming: IncomingChanges, path: str) -> Iterator[Finding]:
    """A file by itself: its kind, its name, what it says, and the manifests it needs."""
    project, show = incoming.project, shell_command(*incoming.look, "--", path)
    place = layout.parse_path(path)
    if not incoming.record_tree.entries[path].is_file:
        yield Finding(
            "name", path, "is a symlink or a repository of its own, which no record is", (show,)
        )
    elif path == layout.CONFIG:
        yield from (replace(link, hints=(show,)) for link in audit.check_config(project))
    elif path.startswith(f"{layout.MANIFESTS}/"):
        yield from _judge_manifest(project, path, show)
    elif not path.startswith(f"{layout.MODELS}/"):
        return
    elif place is None:
        yield Finding(
            "name",
            path,
            "is no record's name",
            (shell_command("git", "rm", "--cached", "--", path),),
        )
    elif place.kind == "version":
        yield from _judge_version(project, path, place, show)
    elif place.kind != "promotion":  # those are read link by link, with their stage
        yield from (
            replace(link, hints=(show,)) for link in audit.check_record(project, path, place)
        )


def _judge_manifest(project: Project, path: str, show: str) -> Iterator[Finding]:
    name = path.removeprefix(f"{layout.MANIFESTS}/")
    misnamed = list(audit.check_manifest(project, path, name))
    if misnamed:
        yield replace(misnamed[0], hints=(show,))
        return
    try:
        Manifest.parse(project.registry.read_file(path) or b"", path)
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "manifest", path, error), hints=(show,))


def _judge_version(project: Project, path: str, place: RecordPath, show: str) -> Iterator[Finding]:
    assert place.version is not None
    try:
        record, _ = project.registry.read_version(place.model, place.version)
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "record", path, error), hints=(show,))
        return
    for name, artifact in record.named_artifacts().items():
        # a manifest's presence tells a directory from a file, but one file is all that a file can be
        if (
            artifact.files != 1
            and project.registry.read_file(layout.manifest_path(artifact.digest)) is None
        ):
            message = f"needs {layout.manifest_path(artifact.digest)}, the manifest of its {name}, which is not there"
            yield Finding(
                "manifest", path, message, (shell_command("git", "add", "--", layout.MANIFESTS),)
            )


def _judge_chains(incoming: IncomingChanges, paths: Iterable[str]) -> Iterator[Finding]:
    """The stages touched; all of a model's where a version record that they may name was."""
    project = incoming.project
    touched: dict[tuple[str, str], None] = {}
    for place in filter(None, map(layout.parse_path, paths)):
        if place.kind == "promotion" and place.stage is not None:
            touched[place.model, place.stage] = None
        elif place.kind == "version":
            touched |= {
                (place.model, stage): None for stage in project.registry.list_stages(place.model)
            }
    for model, stage in touched:
        numbers = project.registry.list_sequences(layout.stage_folder(model, stage))
        incoming.record_tree.fetch_files(
            layout.promotion_path(model, stage, number) for number in numbers
        )
        yield from audit.check_chain(project, model, stage).findings


def _judge_seals(project: Project, paths: Iterable[str]) -> Iterator[Finding]:
    """Version records that are not what their tags seal; one that has no tag yet is as good as any."""
    mine: dict[str, dict[str, Digest]] = {}
    for place in filter(None, map(layout.parse_path, paths)):
        if place.kind == "version" and place.version is not None:
            try:
                digest = project.registry.read_version_digest(place.model, place.version)
            except MlverError:
                continue  # named for what it is already
            if digest is not None:
                mine.setdefault(place.model, {})[place.version] = digest
    for model, digests in mine.items():
        for version, seal in seals.read_seals(project, model, digests).items():
            for link in judge_seal(model, version, digests[version], seal):
                if link.kind == "record":
                    message = "is another record than the one its tag seals"
                    hint = shell_command("git", "show", version_tag_name(model, version))
                    yield Finding("record", layout.version_path(model, version), message, (hint,))


def _find_case_collisions(incoming: IncomingChanges, paths: Iterable[str]) -> Iterator[Finding]:
    """Names that are one name where letter case does not count: of models, and of files and the folders they are in."""
    project, touched = incoming.project, {path.casefold(): path for path in paths}
    models = {path.split("/")[2] for path in touched if path.startswith(f"{layout.MODELS}/")}
    if models:
        yield from audit.find_case_collisions(
            model for model in project.registry.list_models() if model.casefold() in models
        )
    for path in incoming.record_tree.entries if touched else ():
        other = touched.get(path.casefold(), path)
        if other != path and layout.parse_path(path) is not None:
            yield _report_case_collision(other, path)
    for path in touched.values():
        kept = layout.find_own_folder(path)
        if kept is not None and not f"{path}/".startswith(kept):
            yield _report_case_collision(path, kept)


def _report_case_collision(path: str, other: str) -> Finding:
    message = f"differs from `{other}` by letter case only: one file on many machines"
    return Finding("name", path, message, (shell_command("git", "rm", "--cached", "--", path),))
