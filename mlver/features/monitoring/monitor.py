"""`mlver monitor`: files by which Prometheus, Alertmanager, Grafana and Argo watch a model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mlver import paths
from mlver.document.emit import dump_document
from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.policy.monitoring.documents import MonitoringPlaces, build_documents
from mlver.policy.monitoring.subject import MonitoredStage
from mlver.project.judging.judge import read_settings
from mlver.project.project import Project
from mlver.project.transaction import writing_files
from mlver.records import layout
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.values import Document
from mlver.system import durable
from mlver.system.regular import read_regular

FileState = Literal["new", "changed", "same"]
_DIFFERENT = 1
# More than what is written here is another file.
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRequest:
    """What is written to `folder`: for the named stages, for those that hold a version if none is.

    With `check` nothing is written, and it is said what differs.
    """

    folder: str
    stages: tuple[str, ...] = ()
    places: MonitoringPlaces = field(default_factory=MonitoringPlaces)
    check: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringFile:
    """A file and how it was found: missing (`new`), with other bytes, or as it has to be."""

    path: str
    state: FileState


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorResult:
    """The files that monitor a model in its `stages`; `written` says whether any was written."""

    model: str
    stages: tuple[str, ...]
    folder: str
    files: tuple[MonitoringFile, ...]
    check: bool
    dry_run: bool

    @property
    def differing(self) -> tuple[MonitoringFile, ...]:
        return tuple(file for file in self.files if file.state != "same")

    @property
    def exit_code(self) -> int:
        return _DIFFERENT if self.check and self.differing else 0


def write_monitoring(project: Project, model: str | None, request: MonitorRequest) -> MonitorResult:
    """Write the files that monitor a model; those that are right already stay as they are.

    Raise MlverError where the settings do not say which events are bad, where no stage holds a
    version, and where a file cannot be written.
    """
    resolved = project.resolve_model(model)
    settings = read_settings(project)
    _refuse_unlabelled(settings)
    stages = _choose_stages(project, resolved, request.stages)
    _check_places(request.places)
    watched = [MonitoredStage(model=resolved, stage=stage, settings=settings) for stage in stages]
    folder = _find_folder(project, request.folder)
    contents = {
        name: _write_bytes(name, document, resolved)
        for name, document in build_documents(watched, request.places).items()
    }
    if request.check or request.dry_run:
        files = tuple(_compare_files(folder, contents))
    else:
        with writing_files(project, f"monitor {resolved}"):
            # Under the lock, so that no other mlver changes a file between the look and the write.
            files = tuple(_compare_files(folder, contents))
            _write_files(_find_workshop(project, folder), folder, contents, files)
    return MonitorResult(
        model=resolved,
        stages=tuple(stages),
        folder=request.folder,
        files=files,
        check=request.check,
        dry_run=request.dry_run,
    )


def _refuse_unlabelled(settings: VerdictSettings) -> None:
    for metric, rule in settings.metrics.items():
        if rule.matcher is not None and not rule.matcher.value:
            raise MlverError(
                f"{metric} asks for a label that is empty, and Prometheus cannot tell it from one"
                " that is not there",
                hint=shell_command("mlver", "config", "get", "verdict.metrics"),
            )


def _choose_stages(project: Project, model: str, named: Sequence[str]) -> list[str]:
    known = project.registry.read_config().stages
    for stage in named:
        if stage not in known:
            raise UsageError(
                f"there is no stage {printable_name(stage)}",
                hint=shell_command("mlver", "config", "get", "stages"),
            )
    if named:
        return list(dict.fromkeys(named))
    held = [stage for stage in known if project.registry.find_holder(model, stage) is not None]
    if not held:
        raise MlverError(
            f"no stage holds a version of {model}: --stage names the one that is monitored",
            hint=shell_command("mlver", "monitor", model, "--write", "DIR", "--stage", "STAGE"),
        )
    return held


def _check_places(places: MonitoringPlaces) -> None:
    for option, address in (("--prometheus", places.prometheus), ("--webhook", places.webhook)):
        _check_address(option, address)
    for option, text in (("--token-file", places.token_file), ("--image", places.image)):
        if not text or not text.isprintable():
            raise UsageError(f"{option} takes a name, not {printable_name(text) or 'nothing'}")


def _check_address(option: str, address: str) -> None:
    refused = UsageError(f"{option} takes an address, not {printable_name(address)}")
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        raise refused from None
    if parts.scheme not in ("http", "https") or not host or not address.isprintable():
        raise refused
    if parts.username is not None:
        raise UsageError(f"{option} takes no user and no password: they would be written down")


def _find_folder(project: Project, named: str) -> Path:
    """Find the folder; raise UsageError for one that the repository leads out of itself."""
    folder = Path(os.path.normpath(project.start / named))
    root = project.top_folder.resolve()
    inside = folder.parent.resolve() / folder.name
    if inside.is_relative_to(root) and not folder.resolve().is_relative_to(root):
        raise UsageError(f"{printable_name(named)} is a link that leads out of the repository")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{printable_name(named)} is no folder")
    return folder


def _write_bytes(name: str, document: Document, model: str) -> bytes:
    if name.endswith(".json"):
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    heading = f"# Written by `mlver monitor {model}` from the section `verdict` of its settings.\n"
    return heading.encode() + dump_document(document)


def _compare_files(folder: Path, contents: Mapping[str, bytes]) -> Iterator[MonitoringFile]:
    for name, data in contents.items():
        found = _read_file(folder / name)
        state: FileState = "changed"
        if found is None:
            state = "new"
        elif found == data:
            state = "same"
        yield MonitoringFile(path=name, state=state)


def _read_file(path: Path) -> bytes | None:
    """Read a file that is one, and none that a link leads to; None where there is none."""
    try:
        return read_regular(path, _MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal_error(f"reading {printable_name(str(path))}", error) from error


def _find_workshop(project: Project, folder: Path) -> Path:
    """Find where files are prepared: where the next command, whichever it is, removes what is left.

    A folder outside of the repository may lie on another disk, and then it is that folder itself.
    """
    if folder.resolve().is_relative_to(project.top_folder.resolve()):
        return paths.join_inside(project.top_folder, layout.ROOT)
    return folder


def _write_files(
    workshop: Path, folder: Path, contents: Mapping[str, bytes], files: Sequence[MonitoringFile]
) -> None:
    """Prepare all files that differ, then give them their names; hold the lock.

    What a crash leaves, the next command removes; outside of the repository, the same command does.
    """
    prepared: list[tuple[Path, Path]] = []
    try:
        durable.make_directory(folder)
        durable.sweep_temporaries(workshop)
        for file in files:
            if file.state != "same":
                temporary = durable.write_temporary(workshop, contents[file.path])
                prepared.append((temporary, folder / file.path))
        durable.replace_group(prepared)
    except OSError as error:
        outcome = "what is written is whole, and the same command writes the rest"
        shown = printable_name(str(folder))
        raise refusal_error(f"writing to {shown}", error, outcome=outcome) from error
    finally:
        for temporary, _ in prepared:
            durable.discard_temporary(temporary)
