"""Which version a rollback goes to: the last that held the stage before, and is not retired.

A rollback must not wait for a repair, so a retirement that cannot be read is told and stops none.
"""

from __future__ import annotations

from mlver.errors import MlverError, shell_command, summarise_error
from mlver.policy.staging import list_targets
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_retirement, find_usable, is_retired
from mlver.project.tags.trust import build_retired_error
from mlver.version import parse_version


def find_target(
    project: Project,
    model: str,
    stage: str,
    history: StageHistory,
    to: str | None,
    previous: str | None,
) -> ResolvedRef:
    """Find the version to go back to: `to`, or the holder before `previous`."""
    if previous is None:
        raise _build_empty_error(project, model, stage, history)
    target: str | None
    if to:
        target = str(project.select_version(model, to))
        _refuse_retired(project, model, stage, target)
    else:
        target = _choose_unretired(project, model, history)
    if target is None:
        raise _build_no_target_error(project, model, stage, history, previous)
    if target == previous:
        show_log = shell_command("mlver", "log", model)
        raise MlverError(f"{model} {target} holds {stage} already", hint=show_log)
    # A rollback asks no gate, so it must not bring a stage to what never passed its gates.
    if target not in {promotion.version for promotion, _ in history}:
        raise MlverError(
            f"{model} {target} never held {stage}, so a rollback cannot go there; promote it",
            hint=shell_command("mlver", "promote", f"{model}@{target}", "--to", stage, "-m", "WHY"),
        )
    return ResolvedRef(model, parse_version(target))


def _refuse_retired(project: Project, model: str, stage: str, target: str) -> None:
    try:
        retirement = find_retirement(project.registry, model, target)
    except MlverError:
        # It is told where the version's record is read.
        return
    if retirement is not None:
        chosen = ResolvedRef(model, parse_version(target))
        words = ("mlver", "rollback", model, "--stage", stage, "-m", "WHY")
        raise build_retired_error(project, chosen, retirement, words)


def _choose_unretired(project: Project, model: str, history: StageHistory) -> str | None:
    """Choose the last holder before the present one that is not retired."""
    for target in list_targets([promotion for promotion, _ in history]):
        try:
            retirement = find_retirement(project.registry, model, target)
        except MlverError as error:
            reason = f"which may be retired: {summarise_error(error)}"
        else:
            if retirement is None:
                return target
            reason = f"which is retired: {retirement.reason}"
        project.reporter.show_note(f"skipped {model} {target}, {reason}")
    return None


def list_former_holders(history: StageHistory, holder: str | None) -> list[str]:
    """List the other versions that ever held a stage, the newest first."""
    former: dict[str, None] = {}
    for promotion, _ in reversed(history):
        if promotion.version != holder:
            former.setdefault(promotion.version)
    return list(former)


def build_target_hint(project: Project, model: str, stage: str, others: list[str]) -> str:
    """Build the command that goes on, where a person has to say which of `others` is meant."""
    # A person most likely means the newest of them.
    target = find_usable(project.registry, model, others)
    if target is None:
        doubtful = [name for name in others if is_retired(project.registry, model, name) is None]
        target = next(iter(doubtful), None)
    if target is not None:
        words = ["rollback", model, "--stage", stage, "--to", target]
    else:
        words = ["retire", f"{model}@{others[0]}", "--restore"]
    return shell_command("mlver", *words, "-m", "WHY")


def _build_empty_error(
    project: Project, model: str, stage: str, history: StageHistory
) -> MlverError:
    look = shell_command("mlver", "log", model)
    hints: tuple[str, ...] = (look,)
    # Nothing is rolled back in a stage that was emptied: what it held is promoted again.
    usable = find_usable(project.registry, model, list_former_holders(history, None))
    if usable is not None:
        ref = f"{model}@{usable}"
        hints = (shell_command("mlver", "promote", ref, "--to", stage, "-m", "WHY"), look)
    return MlverError(
        f"no version of {model} holds {stage}, so there is nothing to roll back from",
        hints=hints,
    )


def _build_no_target_error(
    project: Project, model: str, stage: str, history: StageHistory, previous: str
) -> MlverError:
    others = list_former_holders(history, previous)
    if not others:
        return MlverError(
            f"{stage} has held only {model} {previous}, so there is nothing to go back to",
            hint=shell_command("mlver", "log", model),
        )
    look = shell_command("mlver", "log", model, "--stage", stage)
    return MlverError(
        f"there is nothing to go back to: what {stage} held before {model} {previous} was rolled"
        " back or retired",
        hints=(look, build_target_hint(project, model, stage, others)),
    )
