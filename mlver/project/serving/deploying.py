"""`mlver deploy`: makes a target equal to what the stages say, and records what it then serves.

Versions are proven and put in place first, then links and files switch, and the record comes last:
it never tells of something that was not served. A command that was killed in between left a plan
(`pending.py`); the next one records what was served by it and does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

from mlver import names
from mlver.document import codec
from mlver.errors import refusal_error
from mlver.project.edit.edit import PlannedEdit, require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_possible_date
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.deployments import read_deployment, read_deployments, read_origin
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.serving import pending, switching
from mlver.project.serving.held_folder import hold_folder, open_folder
from mlver.project.serving.holders import StageRoles, read_roles
from mlver.project.serving.loaded import await_loaded, check_address
from mlver.project.serving.placing import fetch_lacking, place_version
from mlver.project.serving.plan import DeployChange, DeployPlan
from mlver.project.serving.planning import plan_target
from mlver.project.serving.reloading import reload_server, split_command
from mlver.project.serving.route_files import write_routes
from mlver.project.serving.targets import FoundTarget, find_target
from mlver.project.serving.version_files import refuse_overlaps
from mlver.project.transaction import editing
from mlver.records.deployment import DeployedShare, DeployedVersion, DeploymentRecord
from mlver.records.deployment_paths import deployments_folder
from mlver.storage.digests import DigestSet
from mlver.system.folders import FolderTree

_UNSWITCHED = "whatever has not switched yet is served as before"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions:
    """How a target is deployed.

    `check` and `dry_run` write nothing. `agreed`: a folder outside of the repository may be written
    to. `reload` is a command that is run once what is served has changed, and `wait` the address of
    a server that has to have loaded versions before labels move.
    """

    message: str = ""
    check: bool = False
    dry_run: bool = False
    agreed: bool = False
    reload: str | None = None
    wait: str | None = None

    @property
    def only_looks(self) -> bool:
        return self.check or self.dry_run


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployResult:
    """What a target serves, and what was changed for that; `changed` is false where nothing was.

    With `check` or `dry_run` the changes are those that a deployment would make. `sequence`, `path`
    and `commit` are those of the record, None where nothing was recorded.
    """

    target: str
    layout: str
    folder: str
    model: str
    roles: Mapping[str, DeployedVersion]
    kept: tuple[DeployedVersion, ...]
    share: DeployedShare | None
    changed: bool
    changes: tuple[DeployChange, ...]
    reloaded: bool
    sequence: int | None
    path: str | None
    commit: str | None
    check: bool
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return int(self.check and bool(self.changes))


def deploy(project: Project, name: str, options: DeployOptions) -> DeployResult:
    """Make the target `name` equal to what the stages say; repeating it changes nothing more.

    Raise MlverError where it cannot be: what was served before still is then, unless the error says
    what has switched already.
    """
    names.check_text(options.message, "the message")
    if options.reload is not None:
        split_command(options.reload)
    if options.wait is not None:
        check_address(options.wait)
    if options.only_looks:
        return _look(project, name, options)
    refuse_protected(project)
    what = f"deploy {name}"
    ahead = fetch_ahead(project, what, partial(_find_needed, name))
    _record_interrupted(project, name, what)
    with naming_commits(project.repository), editing(project, what) as edit:
        target = find_target(project, name)
        with _naming_refusals(target):
            result = _deploy_locked(project, target, edit, options, ahead)
    if options.reload is not None and pending.owes_reload(project, name):
        reload_server(project, name, options.reload)
        result = replace(result, reloaded=True)
    return result


def _look(project: Project, name: str, options: DeployOptions) -> DeployResult:
    target = find_target(project, name)
    with naming_commits(project.repository), _naming_refusals(target):
        roles = _read_roles(project, target)
        records = read_deployments(project.registry, name)
        tree = open_folder(target.folder)
        with tree or nullcontext():
            plan = plan_target(project, target, roles, tree, records)
    return _build_result(plan, options)


@contextmanager
def _naming_refusals(target: FoundTarget, outcome: str = _UNSWITCHED) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refusal_error(
            f"deploying to {target.folder}",
            error,
            outcome=outcome,
        ) from error


def _find_needed(name: str, project: Project) -> DigestSet:
    """The objects of the versions that are to be served, before anything is looked at closely."""
    target = find_target(project, name)
    roles = read_roles(project, target.model, target.settings)
    holders = [holder for holder in (roles.stable, roles.canary, *roles.kept) if holder is not None]
    only = () if target.settings.data else ("weights",)
    return list_needed(project, [holder.record for holder in holders], only)


def _read_roles(project: Project, target: FoundTarget) -> StageRoles:
    """Read what is to be served, before a folder is made for it."""
    roles = read_roles(project, target.model, target.settings)
    refuse_overlaps(project, target, roles)
    return roles


def _record_interrupted(project: Project, name: str, what: str) -> None:
    """Record what a killed deployment switched to, where the target serves just that."""
    if pending.read_pending(project, name) is None:
        return
    with editing(project, what) as edit:
        target = find_target(project, name)
        record = pending.read_pending(project, name)
        with _naming_refusals(target):
            if record is not None and _is_served(project, target, record):
                _commit_record(edit, record)
                number = f"{record.sequence:04d}"
                project.reporter.show_note(f"recorded deployment {number}, which was interrupted")
        pending.drop_pending(project, name)


def _is_served(project: Project, target: FoundTarget, record: DeploymentRecord) -> bool:
    folder = deployments_folder(record.target)
    last, prior = find_last_link(project.registry, folder)
    if (record.sequence, record.prior) != (last + 1, prior):
        return False
    tree = open_folder(target.folder)
    if tree is None:
        return False
    with tree:
        return switching.is_in_place(project, tree, target, record)


def _deploy_locked(
    project: Project,
    target: FoundTarget,
    edit: PlannedEdit,
    options: DeployOptions,
    ahead: FetchedAhead,
) -> DeployResult:
    require_branch(edit.repository, "")
    folder = deployments_folder(target.name)
    require_as_committed(project.repository, project.registry, folder)
    records = read_deployments(project.registry, target.name)
    roles = _read_roles(project, target)
    with hold_folder(project, target, agreed=options.agreed) as tree:
        plan = plan_target(project, target, roles, tree, records)
        if not plan.changes:
            return _build_result(plan, options)
        record = _build_record(project, plan, options.message)
        fetch_lacking(project, plan.versions, ahead)
        for version in plan.versions:
            place_version(project, tree, version)
        commit = None
        if plan.is_recorded:
            _switch(project, tree, plan, record, options)
            commit = _commit_record(edit, record)
            pending.drop_pending(project, target.name)
        with _naming_refusals(target, "it serves what it is to, and the next one clears up"):
            switching.clear_unneeded(tree, plan)
    return _build_result(plan, options, record, commit)


def _switch(
    project: Project,
    tree: FolderTree,
    plan: DeployPlan,
    record: DeploymentRecord,
    options: DeployOptions,
) -> None:
    """Let the target serve what is planned; a role that goes loses its traffic first."""
    pending.keep_pending(project, record)
    if options.reload is not None and plan.is_switching:
        pending.keep_reload(project, plan.target.name)
    switching.set_links(tree, plan.links)
    if not plan.is_rendered:
        _write_steps(tree, plan, options.wait)
    write_routes(project, plan.target, tree, plan.routes)
    switching.remove_links(tree, plan.unlinks)


def _write_steps(tree: FolderTree, plan: DeployPlan, wait: str | None) -> None:
    """Write the files step by step; between two the server has to have loaded all versions.

    A step that was in place before was waited for then, if anybody could.
    """
    *first_steps, last_step = plan.rendered.steps
    for step in first_steps:
        is_new = switching.write_step(tree, plan, step)
        if is_new or wait is not None:
            await_loaded(plan.target, plan.served, wait)
    switching.write_step(tree, plan, last_step)


def _build_record(project: Project, plan: DeployPlan, message: str) -> DeploymentRecord:
    sequence, prior = find_last_link(project.registry, deployments_folder(plan.target.name))
    return replace(
        plan.draft,
        sequence=sequence + 1,
        created=_choose_date(project, plan.draft, sequence),
        author=project.repository.author(),
        message=message.strip(),
        prior=prior,
    )


def _choose_date(project: Project, draft: DeploymentRecord, last: int) -> str:
    """Date a deployment: never before the last one, nor before what brought its versions.

    It waits for no clock: what is served has to change all the same.
    """
    now = project.record_time
    require_possible_date(project, "deployment", now)
    followed = [now]
    if last:
        followed.append(read_deployment(project.registry, draft.target, last).created)
    for role in draft.roles:
        origin = read_origin(project.registry, draft, role)
        if origin is not None:
            followed.append(origin.created)
    return max(followed)


def _commit_record(edit: PlannedEdit, record: DeploymentRecord) -> str:
    edit.besides = f"{record.target} serves it, and the next mlver deploy records that"
    edit.create_file(record.record_path, codec.encode_document("deployment", record.to_document()))
    subject = f"mlver: deploy {_describe_roles(record)} to {record.target}"
    return edit.commit_files("\n\n".join(filter(None, (subject, record.message))))


def _describe_roles(record: DeploymentRecord) -> str:
    roles = [f"{record.model} {one.version}" for one in record.roles.values()]
    return " and ".join(dict.fromkeys(roles)) or f"no {record.model}"


def _build_result(
    plan: DeployPlan,
    options: DeployOptions,
    record: DeploymentRecord | None = None,
    commit: str | None = None,
) -> DeployResult:
    is_recorded = record is not None and commit is not None
    return DeployResult(
        target=plan.target.name,
        layout=plan.target.settings.layout,
        folder=str(plan.target.folder),
        model=plan.target.model,
        roles=plan.draft.roles,
        kept=plan.draft.kept,
        share=plan.draft.share,
        changed=bool(plan.changes) and not options.only_looks,
        changes=plan.changes,
        reloaded=False,
        sequence=record.sequence if record is not None and is_recorded else None,
        path=record.record_path if record is not None and is_recorded else None,
        commit=commit,
        check=options.check,
        dry_run=options.dry_run,
    )
