"""The composition root: one repository with its records, object store and caches, and the one way
to change it.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
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
from mlver.version import Version

if TYPE_CHECKING:
    from mlver.git.history_walk import HistoryWalk

# As the command line reads it.
_TRUE = ("1", "true", "yes", "on")
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
    at once for everything that asks for some of it. `offline`: no remote is asked for anything that
    the person did not ask for.
    """

    repository: GitRepository
    start: Path
    reporter: Reporter
    state: StateDatabase
    registry: RecordRegistry
    wait: float = WAIT_S
    walk: HistoryWalk | None = None
    offline: bool = False

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
            offline=os.environ.get("MLVER_OFFLINE", "").lower() in _TRUE,
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
        return find_state_directory(self.repository)

    @property
    def remotes_directory(self) -> Path:
        """Where what was read at remotes is remembered; it may be deleted at any time."""
        return self.state_directory / "remotes"

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

    # A list of all versions does not pay for the modules that look for one.

    def resolve_ref(self, text: str | None, model: str | None = None) -> ResolvedRef:
        """The version a REF means: `MODEL`, `MODEL@1.2.0`, `MODEL@production~1`, or `@latest` and
        `1.2` where there is one model, or where `model` is given.

        Raise MlverError, with the REF that was probably meant as its `suggestion`.
        """
        from mlver.project.registry import selecting

        try:
            return ResolvedRef(*selecting.resolve_reference(self.registry, text, model))
        except MlverError as error:
            from mlver.project.registry.suggestions import suggest_reference

            error.suggestion = suggest_reference(self.registry, text, model)
            raise

    def resolve_model(self, name: str | None) -> str:
        """The model called `name`, or the only one there is.

        Raise MlverError with what there is instead, and with what was probably meant.
        """
        from mlver.project.registry import selecting

        try:
            return selecting.find_model(self.registry, name)
        except MlverError as error:
            from mlver.project.registry.suggestions import suggest_model

            error.suggestion = suggest_model(self.registry, name)
            raise

    def select_version(self, model: str, selector: str | None) -> Version:
        """The version that a selector means; without one, the highest release.

        Raise MlverError, with the selector that was probably meant.
        """
        from mlver.project.registry import selecting

        try:
            return selecting.choose_version(self.registry, model, selector)
        except MlverError as error:
            from mlver.project.registry.suggestions import suggest_selector

            error.suggestion = suggest_selector(self.registry, model, selector)
            raise

    def list_selectors(self, model: str, typed: str) -> Iterator[str]:
        """What may stand behind `MODEL@`, where this much of it is typed."""
        from mlver.project.registry import selecting

        return selecting.list_selectors(self.registry, model, typed)

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
        more = f" and {len(hidden) - 1:,} more" if len(hidden) > 1 else ""
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


def find_state_directory(repository: GitRepository) -> Path:
    """Find the folder of objects, caches and intents; raise MlverError for a symlink there."""
    return paths.check_own_directory(repository.common_dir / "mlver")
