"""The operations that every campaign sweeps. A new command joins with one line in `OPERATIONS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tests.faults.ground import WorkPlace
from tests.faults.preparations import (
    FIRST,
    NEXT,
    outrun,
    prepare_born,
    prepare_busy,
    prepare_cached,
    prepare_changed,
    prepare_damaged,
    prepare_exam,
    prepare_executable,
    prepare_followed,
    prepare_ignored,
    prepare_inputs,
    prepare_large,
    prepare_large_staged,
    prepare_lost,
    prepare_many,
    prepare_merged,
    prepare_mirrored,
    prepare_obstructed,
    prepare_only_cached,
    prepare_registered,
    prepare_remote,
    prepare_staged,
    prepare_stopped_merge,
    prepare_told_by_tags,
    prepare_trained,
    prepare_two_versions,
    prepare_unborn,
    prepare_uncommitted,
    prepare_unmirrored,
    prepare_unsealed,
)
from tests.faults.preparations_of_alerts import BACK_ONCE, prepare_alerted
from tests.faults.preparations_of_approvals import prepare_approved, prepare_signing
from tests.faults.preparations_of_gc import (
    prepare_old_series,
    prepare_old_trash,
    prepare_series,
    prepare_trashed,
    prepare_unneeded,
)
from tests.faults.preparations_of_remotes import (
    prepare_condemned,
    prepare_fetching,
    prepare_promoted_there,
    prepare_pulled,
    prepare_unfetched_runs,
    prepare_unneeded_there,
    prepare_unpushed,
    prepare_unsent_runs,
)
from tests.faults.preparations_of_rollouts import (
    MORE,
    PROMOTE_CANDIDATE,
    SHARE,
    WITHDRAW,
    prepare_candidate,
    prepare_shared,
    prepare_shared_alert,
)
from tests.faults.preparations_of_scores import SCORE, prepare_scored
from tests.faults.preparations_of_secrets import prepare_encrypted, prepare_unpinned
from tests.faults.preparations_of_tables import prepare_new_rows, prepare_served
from tests.faults.preparations_of_targets import (
    DEPLOY,
    prepare_manifests,
    prepare_moved,
    prepare_spoilt,
    prepare_target,
)
from tests.faults.preparations_of_verdicts import JUDGE, prepare_judged
from tests.faults.preparations_of_watching import WATCH, prepare_watched


@dataclass(frozen=True, slots=True)
class CampaignOperation:
    """A command in a repository.

    `begun`: how the repository was before a first run that was interrupted, for one that begins
    with the recovery. `again` are the exit codes of the same command once it is done: with 3 it
    refuses to do it twice. `piecemeal`: it is many independent steps, each whole; a rerun does the
    rest. `unsealed`: what it leaves is for a commit and `mlver tag` to seal. `crowded`: small
    batches, so that workers are forked. `keyless`: each run makes the key that signs plans.
    `reports`: what it cannot do stands in its report, with exit code 1. `brief`: it goes the way of
    others, so an ordinary run takes few points of it. `deletes`: contents that nobody needs go.
    `told`: the words by which one that tells of each step says that it is done.
    """

    name: str
    prepare: Callable[[WorkPlace], None]
    argv: tuple[str, ...]
    begun: Callable[[WorkPlace], None] | None = None
    again: tuple[int, ...] = (0,)
    piecemeal: bool = False
    unsealed: bool = False
    crowded: bool = False
    keyless: bool = False
    reports: bool = False
    brief: bool = False
    deletes: bool = False
    told: str = ""


def prepare_interrupted(point: str, operation: str, place: WorkPlace) -> None:
    """Killed once already: what runs now begins with the recovery."""
    from tests.faults.calls import CallFault  # noqa: PLC0415
    from tests.faults.run import run_child  # noqa: PLC0415

    before = find_operation(operation)
    before.prepare(place)
    at, _, how = point.partition(":")
    done = run_child(place.path, before.argv, CallFault(at, how))
    assert done.code is None, f"{operation}:{point} never came"


_PROMOTE = ("promote", "m@1.1.0", "--to", "staging", "-m", "Try it")
_BACK = ("rollback", "m", "--stage", "production", "--to", "1.0.0", "--checkout", "-m", "Worse")
_OLD = ("checkout", "m@1.0.0", "--force")
_BIG = ("--data", "big=big.bin")
_ALL = ("--weights", "model.bin", "--data", "train=data")
_GRANTED = ("--basis", "consent", "--purpose", "training", "--until", "9999-12-31")
_AMEND = ("register", "m", "--amend", "-m", "Said better", *_ALL, "--owner", "Kim")

_MEASURE = ("--", "sh", "-c", "echo 1 > {samples}; echo '{\"accuracy\": 1}' > {metrics}")

_TRAIN = ("--", "sh", "-c", 'echo \'{"step": 1, "loss": 2}\' > $MLVER_CURVES')

# A new command joins here; every campaign that sweeps operations takes it from here.
OPERATIONS = (
    CampaignOperation("init", lambda place: None, ("init",), piecemeal=True),
    CampaignOperation("register-unborn", prepare_unborn, FIRST, again=(0, 3)),
    CampaignOperation("register-first", prepare_born, FIRST, again=(0, 3)),
    CampaignOperation("register", prepare_changed, NEXT, again=(0, 3)),
    CampaignOperation("register-amend", prepare_changed, _AMEND, again=(0, 3)),
    CampaignOperation(
        "register-amend-after-kill",
        partial(prepare_interrupted, "git-tag#1:before", "register-amend"),
        _AMEND,
        prepare_changed,
        again=(0, 3),
        brief=True,
    ),
    CampaignOperation(
        "register-amend-after-undo",
        partial(prepare_interrupted, "git-commit#1:before", "register-amend"),
        _AMEND,
        prepare_changed,
        again=(0, 3),
        brief=True,
    ),
    CampaignOperation("register-remote", prepare_remote, NEXT, again=(0, 3), brief=True),
    CampaignOperation("register-large", prepare_large, (*NEXT, *_BIG), again=(0, 3)),
    CampaignOperation("register-crowded", prepare_changed, NEXT, again=(0, 3), crowded=True),
    CampaignOperation("register-cached", prepare_cached, NEXT, again=(0, 3), brief=True),
    CampaignOperation("checkout-cached", prepare_only_cached, ("checkout", "m@1.1.0", "--force")),
    CampaignOperation("register-damaged", partial(prepare_damaged, "*"), NEXT, again=(0, 3)),
    CampaignOperation(
        "register-damaged-large", partial(prepare_damaged, "objects"), NEXT, again=(0, 3)
    ),
    CampaignOperation("doctor", prepare_lost, ("doctor", "--fix"), reports=True),
    CampaignOperation(
        "register-busy",
        partial(prepare_busy, prepare_changed),
        (*NEXT, "--allow-dirty"),
        again=(0, 3),
    ),
    CampaignOperation(
        "register-staged", prepare_changed, (*NEXT, "--no-commit"), again=(0, 3), unsealed=True
    ),
    CampaignOperation("register-keyless", prepare_changed, NEXT, again=(0, 3), keyless=True),
    CampaignOperation(
        "register-after-kill",
        partial(prepare_interrupted, "git-tag#1:before", "register"),
        NEXT,
        prepare_changed,
        again=(0, 3),
    ),
    CampaignOperation(
        "register-after-undo",
        partial(prepare_interrupted, "git-commit#1:before", "register"),
        NEXT,
        prepare_changed,
        again=(0, 3),
    ),
    CampaignOperation("register-encrypted", prepare_encrypted, NEXT, again=(0, 3), brief=True),
    CampaignOperation("hook-install", prepare_born, ("hook", "install"), piecemeal=True),
    CampaignOperation("note", prepare_registered, ("note", "m@1.0.0", "-m", "Slow"), brief=True),
    CampaignOperation(
        "approve",
        prepare_two_versions,
        ("approve", "m@1.0.0", "--to", "production", "-m", "Fine"),
        brief=True,
    ),
    CampaignOperation(
        "approve-signed",
        prepare_signing,
        ("approve", "m@1.0.0", "--to", "production", "-m", "Fine"),
        brief=True,
    ),
    CampaignOperation(
        "revoke",
        prepare_approved,
        ("revoke", "m@1.0.0", "--to", "production", "-m", "Not so fine"),
        brief=True,
    ),
    CampaignOperation(
        "retire", prepare_two_versions, ("retire", "m@1.0.0", "-m", "Old"), brief=True
    ),
    CampaignOperation(
        "retire-stage",
        prepare_staged,
        ("retire", "m", "--stage", "production", "-m", "Gone"),
        brief=True,
    ),
    CampaignOperation(
        "authorise",
        prepare_registered,
        ("authorise", "m@1.0.0:train", *_GRANTED, "-m", "Agreed"),
        brief=True,
    ),
    CampaignOperation(
        "withdraw",
        prepare_registered,
        ("authorise", "m@1.0.0:train", "--withdraw", "-m", "Withdrawn"),
        brief=True,
    ),
    CampaignOperation(
        "evaluate", prepare_exam, ("evaluate", "m", "--missing", "--on", "golden", *_MEASURE)
    ),
    # Both keep profiles of tables.
    CampaignOperation("register-profile", prepare_new_rows, NEXT, again=(0, 3), brief=True),
    CampaignOperation(
        "drift", prepare_served, ("drift", "m", "--live", "live.csv", "--record"), brief=True
    ),
    CampaignOperation("run", prepare_uncommitted, ("run", "m", *_TRAIN), again=(0, 3)),
    CampaignOperation(
        "reproduce",
        prepare_trained,
        ("reproduce", "m", "--yes", "--environment", "env"),
        brief=True,
    ),
    CampaignOperation(
        "drill",
        prepare_staged,
        ("drill", "m", "--stage", "production", "--to", "production", "--record"),
        brief=True,
    ),
    CampaignOperation("judge", prepare_judged, JUDGE, brief=True),
    CampaignOperation("score", prepare_scored, SCORE, brief=True),
    CampaignOperation(
        "monitor", prepare_judged, ("monitor", "m", "--write", "monitoring"), piecemeal=True
    ),
    CampaignOperation("deploy-first", prepare_target, DEPLOY, piecemeal=True, brief=True),
    CampaignOperation("deploy", prepare_moved, DEPLOY, piecemeal=True, brief=True),
    CampaignOperation("deploy-manifests", prepare_manifests, DEPLOY, piecemeal=True, brief=True),
    CampaignOperation("deploy-repair", prepare_spoilt, DEPLOY, piecemeal=True, brief=True),
    # The rollback that a verdict asks for, pushed.
    CampaignOperation(
        "watch", prepare_watched, WATCH, piecemeal=True, brief=True, told="rolled back"
    ),
    CampaignOperation("adopt", prepare_told_by_tags, ("adopt", "m", "--weights", "weights")),
    CampaignOperation(
        "promote-mirrored",
        prepare_mirrored,
        ("promote", "m@1.0.0", "--to", "staging", "-m", "Try it"),
        brief=True,
    ),
    CampaignOperation(
        "rollback-mirrored",
        prepare_mirrored,
        ("rollback", "m", "--stage", "production", "--to", "1.0.0", "-m", "Worse"),
        again=(0, 3),
        brief=True,
    ),
    # Two tags: both versions leave the stage.
    CampaignOperation(
        "retire-stage-mirrored",
        prepare_mirrored,
        ("retire", "m", "--stage", "production", "-m", "Gone"),
        brief=True,
    ),
    # What GTO cannot be told is no reason to stop: it stands in the report.
    CampaignOperation("tag-mirrored", prepare_unmirrored, ("tag",), brief=True, reports=True),
    CampaignOperation("tag", prepare_unsealed, ("tag",), piecemeal=True),
    CampaignOperation("release", prepare_merged, ("release",), piecemeal=True),
    CampaignOperation("release-outrun", outrun, ("release",), piecemeal=True),
    CampaignOperation("resolve", prepare_stopped_merge, ("resolve",), unsealed=True),
    CampaignOperation("promote", prepare_two_versions, _PROMOTE),
    CampaignOperation(
        "promote-after-landing",
        partial(prepare_interrupted, "git-tag#1:before", "promote"),
        _PROMOTE,
        prepare_two_versions,
    ),
    CampaignOperation(
        "promote-again", prepare_staged, ("promote", "m@1.0.0", "--to", "production", "-m", "Back")
    ),
    CampaignOperation("promote-busy", partial(prepare_busy, prepare_two_versions), _PROMOTE),
    CampaignOperation(
        "promote-after-kill",
        partial(prepare_interrupted, "git-commit#1:after", "promote"),
        _PROMOTE,
        prepare_two_versions,
    ),
    CampaignOperation("rollback", prepare_staged, _BACK, again=(0, 3)),
    CampaignOperation(
        "rollback-large",
        prepare_large_staged,
        ("rollback", "m", "--stage", "production", "--checkout", "-m", "Worse"),
        again=(0, 3),
    ),
    CampaignOperation("rollback-because", prepare_alerted, BACK_ONCE, brief=True),
    CampaignOperation("rollout", prepare_candidate, SHARE, brief=True),
    CampaignOperation("rollout-moved", prepare_shared, MORE, brief=True),
    CampaignOperation("rollout-withdrawn", prepare_shared, WITHDRAW, brief=True),
    CampaignOperation("rollout-promoted", prepare_shared, PROMOTE_CANDIDATE, brief=True),
    CampaignOperation("rollout-rolled-back", prepare_shared_alert, BACK_ONCE, brief=True),
    CampaignOperation("rollback-busy", partial(prepare_busy, prepare_staged), _BACK, again=(0, 3)),
    CampaignOperation(
        "rollback-after-kill",
        partial(prepare_interrupted, "git-commit#1:before", "rollback"),
        _BACK,
        prepare_staged,
        again=(0, 3),
    ),
    CampaignOperation("checkout", prepare_staged, _OLD),
    CampaignOperation(
        "checkout-to", prepare_two_versions, ("checkout", "m@1.0.0", "--to", "served")
    ),
    # What was agreed to when the place was prepared does not hold in a copy of it.
    CampaignOperation("checkout-follow", prepare_followed, ("-C", "tree", *_OLD, "--follow")),
    CampaignOperation("checkout-executable", prepare_executable, ("checkout", "m@1.1.0")),
    CampaignOperation("checkout-ignored", prepare_ignored, _OLD, brief=True),
    CampaignOperation("checkout-inputs", prepare_inputs, ("checkout", "m@1.0.0", "--inputs")),
    CampaignOperation("checkout-only", prepare_staged, (*_OLD, "--only", "weights"), brief=True),
    CampaignOperation("checkout-large", prepare_large, (*_OLD,)),
    CampaignOperation("ci", prepare_registered, ("ci", "github"), piecemeal=True),
    CampaignOperation(
        "config", prepare_registered, ("config", "set", "--model", "m", "owner", "Kim")
    ),
    CampaignOperation(
        "config-pin", prepare_unpinned, ("config", "pin", "golden", "golden.csv"), brief=True
    ),
    CampaignOperation(
        "export", prepare_two_versions, ("export", "m@1.0.0", "served"), again=(0, 3)
    ),
    CampaignOperation(
        "remote-add",
        prepare_registered,
        ("remote", "add", "storage", "s3://models", "--offline"),
        keyless=True,
    ),
    CampaignOperation("push", prepare_unpushed, ("push", "--jobs", "1"), piecemeal=True),
    CampaignOperation(
        "push-objects", prepare_unpushed, ("push", "--objects", "--jobs", "1"), brief=True
    ),
    CampaignOperation("pull", prepare_pulled, ("pull", "--all", "--jobs", "1")),
    CampaignOperation("push-runs", prepare_unsent_runs, ("push", "--runs"), brief=True),
    # The ID of a run is drawn, but not how it begins.
    CampaignOperation(
        "remove-runs",
        prepare_unsent_runs,
        ("runs", "m", "--remove", "20", "--yes"),
        again=(0, 3),
        brief=True,
    ),
    CampaignOperation("pull-runs", prepare_unfetched_runs, ("pull", "--runs"), brief=True),
    CampaignOperation("checkout-fetching", prepare_fetching, _OLD, brief=True),
    CampaignOperation(
        "rollback-fetching",
        prepare_promoted_there,
        ("rollback", "m", "--stage", "production", "--checkout", "-m", "Worse"),
        again=(0, 3),
        brief=True,
    ),
    CampaignOperation("gc", prepare_unneeded, ("gc", "--yes")),
    CampaignOperation("gc-restoring", prepare_trashed, ("gc", "--yes"), brief=True),
    CampaignOperation("gc-deleting", prepare_old_trash, ("gc", "--yes"), brief=True, deletes=True),
    CampaignOperation("gc-deltas", prepare_series, ("gc", "--yes")),
    CampaignOperation("gc-deltas-deleting", prepare_old_series, ("gc", "--yes"), deletes=True),
    CampaignOperation("gc-remote", prepare_unneeded_there, ("gc", "--remote", "store", "--yes")),
    CampaignOperation(
        "gc-remote-looking", prepare_condemned, ("gc", "--remote", "store"), brief=True
    ),
    CampaignOperation(
        "gc-remote-deleting",
        prepare_condemned,
        ("gc", "--remote", "store", "--yes"),
        deletes=True,
    ),
    CampaignOperation("checkout-crowded", prepare_staged, _OLD, crowded=True),
    CampaignOperation(
        "checkout-obstructed", prepare_obstructed, ("checkout", "m@1.1.0", "--force")
    ),
    CampaignOperation(
        "checkout-after-kill",
        partial(prepare_interrupted, "rename#3:after", "checkout"),
        _OLD,
        prepare_staged,
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def find_operation(name: str) -> CampaignOperation:
    """An operation by its name.

    The long run has some of its own: `register+many`, `promote+busy`, `tag@open#3`.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    if "@" in name:
        base, _, label = name.partition("@")
        operation = find_operation(base)
        state = partial(prepare_interrupted, f"{label}:before", base)
        return replace(operation, name=name, prepare=state, begun=operation.prepare)
    base, _, variant = name.partition("+")
    operation = BY_NAME[base]
    states = {
        "busy": partial(prepare_busy, operation.prepare),
        "many": partial(prepare_many, operation.prepare),
    }
    dirty = ("--allow-dirty",) if variant == "busy" and base.startswith("register") else ()
    return replace(operation, name=name, prepare=states[variant], argv=(*operation.argv, *dirty))
