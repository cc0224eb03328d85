"""The one way to change anything: locked, and with whatever a dead command left settled first.

Only commands that write records settle another's plan, for that commits and seals.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, refusal_error
from mlver.git import stale_locks
from mlver.git.kept import forget_answers
from mlver.project.artifacts import storing
from mlver.project.artifacts.recovered_checkout import finish_checkout
from mlver.project.edit import intent
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.intent import CommandIntent, ForeignIntent
from mlver.project.edit.recovery import recover_edit
from mlver.project.edit.staging_folder import remove_leftover
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.run_references import RUN_REFERENCES
from mlver.system import durable, lock, scratch

# Where versions are put for the time in which a command measures them.
SCRATCH = "measuring"


def open_edit(
    project: Project, what: str, *, dry_run: bool
) -> AbstractContextManager[PlannedEdit | None]:
    """Open the edit of a command that has `--dry-run`; None then.

    A dry run writes nothing, so it need not wait for a command that holds the lock.
    """
    if dry_run:
        return nullcontext()
    return editing(project, what)


@contextmanager
def locking(project: Project, what: str) -> Iterator[Project]:
    """Hold the lock, whatever the settings say, and yield the project for which it is held.

    The processes that this project starts hold the lock, too. What was interrupted stays as it is.
    """
    try:
        durable.make_directory(project.state_directory)
    except OSError as error:
        raise refusal_error(what, error) from error
    with lock.hold_lock(project.state_directory, project.wait) as descriptor:
        forget_answers()  # they may be older than what we waited for
        repository = replace(project.repository, keep_open=(descriptor,))
        yield replace(project, repository=repository)


def settle_interrupted(project: Project, what: str) -> None:
    """Complete or undo what was interrupted, whatever the settings say."""
    with locking(project, what) as holding:
        _recover_interrupted(holding)


def set_foreign_aside(project: Project, what: str) -> Path | None:
    """Set a plan aside that this user's mlver did not write; return where, None without one.

    Nothing of it is carried out or undone.
    """
    with locking(project, what):
        try:
            intent.read_pending(project.state_directory)
        except ForeignIntent:
            return intent.set_aside(project.state_directory)
    return None


@contextmanager
def editing(project: Project, what: str) -> Iterator[PlannedEdit]:
    """Hold the lock, settle what was interrupted, and yield an edit.

    `what` names it to those who wait for it or recover it. Raise MlverError where the settings
    cannot be read in full: they may forbid what is about to be written.
    """
    with locking(project, what) as holding:
        # Settled first: settings of a newer mlver must not leave an edit half done.
        _recover_interrupted(holding)
        project.registry.refuse_unread_settings()
        edit = PlannedEdit(holding.repository, project.state_directory, what)
        try:
            yield edit
        finally:
            if edit.landed is not None:
                project.reporter.report_landed(edit.landed)


@contextmanager
def writing_files(project: Project, what: str) -> Iterator[None]:
    """Hold the lock for a command that writes no record; raise MlverError as `editing` does.

    It only finishes a checkout: committing and sealing are left to commands that do so themselves.
    """
    with locking(project, what) as holding:
        plan = intent.read_pending(project.state_directory)
        if plan is not None and plan.checkout is None and plan.export is None:
            raise MlverError(
                f"`{plan.what}` was interrupted, and has to be completed or undone first",
                hint="mlver doctor --fix",
            )
        _recover_interrupted(holding)
        project.registry.refuse_unread_settings()
        yield


def _recover_interrupted(project: Project) -> None:
    """Complete or undo what was interrupted, and say so."""
    try:
        _recover_and_sweep(project)
    except OSError as error:
        raise refusal_error(
            "settling what was interrupted", error, outcome="the next command tries again"
        ) from error


def _recover_and_sweep(project: Project) -> None:
    plan = intent.read_pending(project.state_directory)
    storing.open_store(project).sweep_temporaries()
    # Each may hold a file that was being written: an intent, what `init` writes, and what was read
    # at a remote.
    records_directory = paths.join_inside(project.top_folder, layout.ROOT)
    for directory in (project.state_directory, records_directory, project.remotes_directory):
        durable.sweep_temporaries(directory)
    scratch.sweep_scratch(project.state_directory / SCRATCH)
    # Those of runs: where another git is at work, the next command sees to it.
    with suppress(MlverError):
        stale_locks.clear_references(project.repository, RUN_REFERENCES)
    if plan is not None:
        project.reporter.show_note(_recover_plan(project, plan))
        _mirror_recovered(project, plan)
        intent.drop_intent(project.state_directory)


def _recover_plan(project: Project, plan: CommandIntent) -> str:
    if plan.export is not None:
        remove_leftover(Path(plan.export))
        return f"removed what `{plan.what}` had begun to write; run it again"
    here = _find_work_tree(project, plan)
    if here is None:
        return f"forgot `{plan.what}`: its work tree {plan.top} is gone"
    if plan.checkout is None:
        holding = replace(here.repository, keep_open=project.repository.keep_open)
        return recover_edit(holding, plan, project.state_directory).describe_edit(plan.what)
    place = plan.checkout[2]
    if Path(place).is_absolute():
        # Only a command line may name a folder outside the repository, never a file in it.
        return (
            f"`{plan.what}` was interrupted while it wrote to {place}; run it again to finish that"
        )
    try:
        return finish_checkout(here, plan)
    except MlverError as error:
        return f"`{plan.what}` was interrupted and cannot be finished: {error.message}"


def _mirror_recovered(project: Project, plan: CommandIntent) -> None:
    """Make what GTO's users go by, where the killed command had not made it yet."""
    here = _find_work_tree(project, plan)
    if here is None or not plan.tags:
        return
    from mlver.project.tags.gto_mirror import mirror_promotions

    holding = replace(here.repository, keep_open=project.repository.keep_open)
    started = intent.read_start_time(project.state_directory)
    mirror_promotions(replace(here, repository=holding), plan.tags, started)


def _find_work_tree(project: Project, plan: CommandIntent) -> Project | None:
    """Where the plan was made, if that is still a work tree of this repository."""
    if plan.git_dir == project.repository.own:
        return project
    with suppress(MlverError):
        other = Project.find_from(Path(plan.top), project.reporter)
        is_same_repository = other.state_directory == project.state_directory
        if is_same_repository and other.repository.own == plan.git_dir:
            return other
    return None
