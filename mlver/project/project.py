"""The composition root: one repository with its records, object store and caches, and the one way
to change it.
"""

from __future__ import annotations

import datetime
import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlver import names, paths
from mlver.errors import MlverError, UsageError, shell_command
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import RecordRegistry, describe_unknown_sections
from mlver.project.registry.worktree import WorkTree
from mlver.project.reporter import Reporter, SilentReporter
from mlver.records import layout
from mlver.system.lock import WAIT_S
from mlver.system.state import StateDatabase
from mlver.version import Version, highest_release, parse_version

if TYPE_CHECKING:
    from mlver.git.history_walk import HistoryWalk

LAST_SECOND = 253_402_300_799  # of the year 9999


class ResolvedRef(NamedTuple):
    """What a REF came down to."""

    model: str
    version: Version


@dataclass(frozen=True, slots=True)
class Project:
    """A git work tree with mlver's records.

    `start` is where the person stands: paths they type begin there. `wait` is how many seconds an
    edit waits for another to end. `walk` is all of the records' history, where a command read it
    at once for everything that asks for some of it.
    """

    repository: GitRepository
    start: Path
    reporter: Reporter
    state: StateDatabase
    registry: RecordRegistry
    wait: float = WAIT_S
    walk: HistoryWalk | None = None

    @classmethod
    def find_from(cls, start: Path, reporter: Reporter | None = None) -> Project:
        """The project `start` is in, whether `mlver init` ran there or not.

        Raise MlverError where a sparse checkout hides records.
        """
        repository = GitRepository.find(start)
        _refuse_sparse(repository)
        return cls.from_repository(repository, start, reporter)

    @classmethod
    def from_repository(
        cls, repository: GitRepository, start: Path, reporter: Reporter | None = None
    ) -> Project:
        """The project in a repository that was found already."""
        state = StateDatabase(repository.common_dir / "mlver" / "state.db")
        return cls(
            repository,
            start,
            reporter or SilentReporter(),
            state,
            RecordRegistry(WorkTree(repository.top)),
        )

    @classmethod
    def open_existing(cls, start: Path, reporter: Reporter | None = None) -> Project:
        """The same; raise MlverError where there is no `.mlver/` yet."""
        project = cls.find_from(start, reporter)
        if not (project.top_folder / layout.ROOT).is_dir():
            raise MlverError(f"{project.top_folder} has no .mlver/ yet", hint="mlver init")
        return project

    @property
    def top_folder(self) -> Path:
        return self.repository.top

    @property
    def state_directory(self) -> Path:
        """Where objects, caches and intents live: never committed, shared by all work trees."""
        return paths.check_own_directory(self.repository.common_dir / "mlver")

    @property
    def cached(self) -> Project:
        """The same, with records from the cache where they were parsed before.

        Only `list` and `status` ask for it. Somebody who can write to the cache can make them lie,
        so nothing that decides, writes records or answers an auditor does.
        """
        return replace(self, registry=RecordRegistry(self.registry.source, self.state))

    def resolve_path(self, given: str) -> str:
        """A path the person typed, relative to the work tree's top, and fit for a record.

        Raise UsageError, also where it lies in a submodule or another repository: git here knows
        nothing of its files.
        """
        path = names.check_artifact_path(paths.relative_to_root(self.top_folder, self.start, given))
        nested = paths.find_nested_repository(self.top_folder, path)
        if nested is not None:
            raise UsageError(
                f"{path} lies in {nested}, which is a repository of its own (a submodule, "
                "perhaps): register it there",
                hint=shell_command("mlver", "-C", nested, "init"),
            )
        return path

    def note_newer_settings(self) -> None:
        """Say which sections of the settings this mlver does not know; for what only looks."""
        # Settings that are missing or not valid are left to those who need what they say.
        with suppress(MlverError):
            config = self.registry.read_shown_config()
            if config.unknown_sections:
                self.reporter.show_note(f"{layout.CONFIG} {describe_unknown_sections(config)}")

    # -- naming a version

    def resolve_ref(self, text: str | None) -> ResolvedRef:
        """The version a REF means: `MODEL`, `MODEL@1.2.0`, `MODEL@production`, `@latest` where
        there is one model.
        """
        ref = names.ModelRef(None, None) if text is None else names.parse_ref(text)
        model = self.resolve_model(ref.model)
        return ResolvedRef(model, self.select_version(model, ref.selector))

    def resolve_model(self, name: str | None) -> str:
        """The model called `name`, or the only one there is.

        Raise MlverError with what there is instead.
        """
        known = self.registry.list_models()
        if name in known:
            return name
        if name is None and len(known) == 1:
            return known[0]
        if not known:
            raise MlverError(
                "no model is registered here", hint="mlver register MODEL --weights PATH -m WHY"
            )
        model_names = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
        if name is None:
            raise UsageError(
                f"there are {len(known)} models here; say which: {model_names}", hint="mlver list"
            )
        raise MlverError(f"there is no model `{name}` here, but {model_names}", hint="mlver list")

    def select_version(self, model: str, selector: str | None) -> Version:
        """The version a selector means: a version, a stage, or `latest` (the default)."""
        if selector is None or selector == names.LATEST:
            return self._find_latest(model)
        names.parse_ref(f"@{selector}")
        if "." in selector:
            wanted = parse_version(selector)
            if not self.registry.has_version(model, wanted):
                raise MlverError(
                    f"{model} has no version {wanted}", hint=shell_command("mlver", "list", model)
                )
            return wanted
        holder = self.registry.find_holder(model, selector)
        if holder is None:
            raise self._build_holder_error(model, selector)
        return parse_version(holder.version)

    def _find_latest(self, model: str) -> Version:
        newest, _ = self.registry.list_newest(model, 1)
        if newest and newest[0].prerelease is None:
            return newest[0]
        versions = self.registry.list_versions(model)
        latest = highest_release(versions)
        if latest is not None:
            return latest
        if versions:
            raise MlverError(
                f"{model} has no release yet, only pre-releases up to {versions[-1]};"
                f" name one of them, such as {model}@{versions[-1]}",
                hint=shell_command("mlver", "list", model),
            )
        raise MlverError(
            f"{model} has no versions",
            hint=shell_command("mlver", "register", model, "--weights", "PATH", "-m", "WHY"),
        )

    def _build_holder_error(self, model: str, stage: str) -> MlverError:
        known = self.registry.read_shown_config().stages
        if stage in known:
            latest = highest_release(self.registry.list_versions(model)) or "VERSION"
            return MlverError(
                f"no version of {model} holds {stage}",
                hint=shell_command(
                    "mlver", "promote", f"{model}@{latest}", "--to", stage, "-m", "WHY"
                ),
            )
        return MlverError(
            f"`{stage}` is neither a version nor a stage here; the stages in {layout.CONFIG} are "
            f"{', '.join(known) or '(none)'}",
            hint=shell_command("mlver", "list", model),
        )

    @property
    def record_time(self) -> str:
        """The time for a record, UTC; SOURCE_DATE_EPOCH (reproducible-builds.org) fixes it."""
        fixed = os.environ.get("SOURCE_DATE_EPOCH")
        moment = _parse_seconds(fixed) if fixed else time.time()
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse_sparse(repository: GitRepository) -> None:
    """A record that is not looked at would count as one there is not: the next number, or a stage,
    would be wrong.
    """
    hidden = repository.left_out(layout.ROOT)
    if hidden:
        more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        raise MlverError(
            f"this sparse checkout leaves out {hidden[0]}{more}, and mlver needs all of "
            f"{layout.ROOT}/",
            hint=shell_command("git", "sparse-checkout", "add", layout.ROOT),
        )


_TAKE_COMMIT_TIME = "export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)"


def _parse_seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= LAST_SECOND):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970",
            hints=("unset SOURCE_DATE_EPOCH", _TAKE_COMMIT_TIME),
        )
    return int(text)
