"""What has to change so that a target serves what the stages say."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.serving.served import ServedTarget
from mlver.project.project import Project
from mlver.project.serving.former import find_former
from mlver.project.serving.held_folder import read_if_file, read_mark
from mlver.project.serving.holders import RoleHolder, StageRoles
from mlver.project.serving.places import (
    KnownFolder,
    choose_places,
    describe_version,
    list_known_folders,
    select_records,
)
from mlver.project.serving.proving import FolderState, prove_folder
from mlver.project.serving.rendered import RenderedTarget, describe_share, render_target
from mlver.project.serving.route_files import find_other_routes
from mlver.project.serving.server_config import read_options
from mlver.project.serving.targets import FoundTarget
from mlver.project.serving.version_files import IDENTITY, DeployedFiles, list_version_files
from mlver.records.deployment import DeployedVersion, DeploymentRecord
from mlver.records.sections.deploy import CANARY, STABLE
from mlver.system.folders import FolderTree

ChangeKind = Literal["version", "repair", "link", "unlink", "file", "routes", "remove", "record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployChange:
    """One thing that is to be done, or was: to what, and in words."""

    kind: ChangeKind
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedVersion:
    """A version and its folder; `state` is how that differs, `is_new` where it is not there.

    `identity` are the bytes of its `mlver.json` where these have to be written.
    """

    files: DeployedFiles
    place: str
    is_new: bool
    state: FolderState
    identity: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployPlan:
    """All that is to be done, in the order of the fields, and the record of it.

    `links` maps roles to folders. `removed` are folders of versions that nobody needs any more.
    `draft` is the record that is to be written; it has the number and date of the last one until
    then. `last` is that one. `needs_record`: the last record does not say this.
    """

    target: FoundTarget
    versions: tuple[PlacedVersion, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    rendered: RenderedTarget
    is_rendered: bool
    routes: Mapping[str, bytes] = field(default_factory=dict)
    unlinks: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    served: ServedTarget
    draft: DeploymentRecord
    needs_record: bool

    @property
    def changes(self) -> tuple[DeployChange, ...]:
        return tuple(_list_changes(self))

    @property
    def is_recorded(self) -> bool:
        """Whether there is anything new to record; a file that is put right is no news."""
        return self.needs_record or self.is_switching

    @property
    def is_switching(self) -> bool:
        """Whether what is served changes, and not only what lies beside it."""
        return bool(self.links or self.unlinks or self.routes or not self.is_rendered)


def plan_deployment(
    project: Project,
    target: FoundTarget,
    roles: StageRoles,
    tree: FolderTree | None,
    records: Sequence[DeploymentRecord],
) -> DeployPlan:
    """Compare a target with its stages; `tree` is its folder, None where there is none.

    Every byte that is there is read. Raise MlverError where that cannot be served or planned.
    """
    former = find_former(target, records)
    files = _list_files(project, target, roles)
    known = list_known_folders(tree, target, records)
    places = choose_places(tree, target, list(files.values()), known)
    last = records[-1] if records else None
    served = _build_served(target, roles, files)
    options = read_options(project, target, served)
    rendered = render_target(target, served, former, options)
    draft = _build_draft(target, roles, files, places, rendered)
    links = {role: one.folder for role, one in draft.roles.items() if one.folder is not None}
    present = read_links(tree) if tree is not None and target.layout.has_links else {}
    needs_record = last is None or not says_same(draft, last)
    previous = records if needs_record else records[:-1]
    return DeployPlan(
        target=target,
        versions=tuple(_compare_versions(project, tree, files.values(), places, rendered)),
        links={role: to for role, to in links.items() if present.get(role) != to}
        if target.layout.has_links
        else {},
        rendered=rendered,
        is_rendered=_are_in_place(tree, rendered.files),
        routes=find_other_routes(project, target, tree, rendered.routes, records),
        unlinks=tuple(role for role in present if role not in links),
        stale=_list_stale(tree, target, rendered, known),
        removed=_list_removed(project, target, draft, known, previous),
        served=served,
        draft=draft,
        needs_record=needs_record,
    )


def _list_files(
    project: Project, target: FoundTarget, roles: StageRoles
) -> dict[Digest, DeployedFiles]:
    """The files of every version that is to be there, the stable one first, each once."""
    listed: dict[Digest, DeployedFiles] = {}
    for holder in (roles.stable, roles.canary, *roles.kept):
        if holder is not None and holder.digest not in listed:
            listed[holder.digest] = list_version_files(project, target, holder)
    return listed


def _build_served(
    target: FoundTarget, roles: StageRoles, files: Mapping[Digest, DeployedFiles]
) -> ServedTarget:
    def find(holder: RoleHolder | None) -> DeployedFiles | None:
        return None if holder is None else files[holder.digest]

    stable, canary = find(roles.stable), find(roles.canary)
    return ServedTarget(
        name=target.name,
        stable=None if stable is None else stable.served,
        canary=None if canary is None else canary.served,
        share=roles.share,
        kept=tuple(files[holder.digest].served for holder in roles.kept),
    )


def _build_draft(
    target: FoundTarget,
    roles: StageRoles,
    files: Mapping[Digest, DeployedFiles],
    places: Mapping[Digest, str | None],
    rendered: RenderedTarget,
) -> DeploymentRecord:
    described: dict[str, DeployedVersion] = {}
    for role, holder in ((STABLE, roles.stable), (CANARY, roles.canary)):
        if holder is not None:
            one = describe_version(files[holder.digest], places[holder.digest])
            # One folder may serve two stages: each role says how it came to it.
            described[role] = replace(one, stage=holder.stage, sequence=holder.sequence)
    kept: list[DeployedVersion] = []
    for holder in roles.kept:
        one = describe_version(files[holder.digest], places[holder.digest])
        kept.append(replace(one, stage=None, sequence=None))
    # Some kinds have a second file beside the one that the settings name.
    routes = None if target.routes is None else rendered.routes[target.routes[1].file]
    return DeploymentRecord(
        target=target.name,
        sequence=1,
        created="",
        author="",
        message="",
        layout=target.settings.layout,
        path=target.settings.path,
        model=target.model,
        roles=described,
        kept=tuple(kept),
        share=describe_share(roles.share),
        files={path: Digest.of_bytes(data) for path, data in rendered.files.items()},
        routes=None if routes is None else Digest.of_bytes(routes),
        prior=None,
    )


def says_same(record: DeploymentRecord, last: DeploymentRecord) -> bool:
    """Whether two records tell of the same state, whoever made it when."""
    told = replace(
        record,
        format=last.format,
        sequence=last.sequence,
        created=last.created,
        author=last.author,
        message=last.message,
        prior=last.prior,
    )
    return told == last


def _compare_versions(
    project: Project,
    tree: FolderTree | None,
    wanted: Iterable[DeployedFiles],
    places: Mapping[Digest, str | None],
    rendered: RenderedTarget,
) -> Iterator[PlacedVersion]:
    for files in wanted:
        place = places[files.served.record]
        if place is None:
            continue
        is_new = tree is None or not tree.is_folder(f"{tree.top}/{place}")
        state = FolderState()
        if tree is not None and not is_new:
            beside = rendered.list_inside(place)
            state = prove_folder(tree, place, files, project.reporter, beside)
        yield PlacedVersion(
            files=files,
            place=place,
            is_new=is_new,
            state=state,
            identity=_find_other_identity(None if is_new else tree, place, files),
        )


def _find_other_identity(tree: FolderTree | None, place: str, files: DeployedFiles) -> bytes | None:
    """The bytes of `mlver.json` where the folder is to have other ones; None if it has them."""
    if files.weights is None:
        return None
    data = (json.dumps(files.describe_identity(), indent=1) + "\n").encode()
    if tree is not None and read_if_file(tree, f"{place}/{IDENTITY}") == data:
        return None
    return data


def read_links(tree: FolderTree) -> dict[str, str]:
    """Read where the links of the roles lead; raise MlverError for anything else in their place."""
    links: dict[str, str] = {}
    for role in (STABLE, CANARY):
        path = f"{tree.top}/{role}"
        mode = tree.read_mode(path)
        if not mode:
            continue
        if not stat.S_ISLNK(mode):
            raise MlverError(
                f"{printable_name(path)} is to be a link and is something else; move it away",
                hint=shell_command("ls", "-ld", "--", path),
            )
        links[role] = tree.read_link(path)
    return links


def _are_in_place(tree: FolderTree | None, files: Mapping[str, bytes]) -> bool:
    if tree is None:
        return not files
    return all(read_if_file(tree, path) == data for path, data in files.items())


def _list_stale(
    tree: FolderTree | None,
    target: FoundTarget,
    rendered: RenderedTarget,
    known: Mapping[str, KnownFolder],
) -> tuple[str, ...]:
    """The files that deployments wrote, by the mark, and that are not wanted any more.

    What records name may have been written by hand. One in the folder of a version stays as long as
    that does.
    """
    if tree is None:
        return ()
    mark = read_mark(tree, target)
    written = set() if mark is None else set(mark.files)
    unwanted = sorted(written - rendered.files.keys())
    inside = tuple(f"{folder}/" for folder in known)
    return tuple(
        path
        for path in unwanted
        if not path.startswith(inside) and tree.read_mode(f"{tree.top}/{path}")
    )


def _list_removed(
    project: Project,
    target: FoundTarget,
    draft: DeploymentRecord,
    known: Mapping[str, KnownFolder],
    records: Sequence[DeploymentRecord],
) -> tuple[str, ...]:
    """The folders of old versions beyond those to keep.

    What a stage holds stays, and what the deployment before served, for a rollback at once.
    """
    used = [*draft.roles.values(), *draft.kept]
    places = {one.folder for one in used}
    needed = _list_held(project, target.model)
    for record in select_records(target, records)[-1:]:
        needed |= {one.record for one in record.roles.values()}
    needed -= {one.record for one in used}
    unused = {path: one for path, one in known.items() if path not in places}
    kept = [path for path, one in unused.items() if one.record in needed]
    room = target.settings.keep - len(places) - len(kept)
    others = [path for path in unused if path not in kept]
    others.sort(key=lambda path: (unused[path].last, path), reverse=True)
    return tuple(others[max(room, 0) :])


def _list_held(project: Project, model: str) -> set[Digest]:
    """The records of the versions that hold any stage of a model."""
    held: set[Digest] = set()
    for stage in project.registry.list_stages(model):
        promotion = project.registry.find_holder(model, stage)
        if promotion is not None:
            held.add(promotion.record)
    return held


def _list_changes(plan: DeployPlan) -> Iterator[DeployChange]:
    for version in plan.versions:
        yield from _describe_version_change(version)
    for role, to in plan.links.items():
        yield DeployChange(kind="link", path=role, message=f"leads to {to}")
    if not plan.is_rendered:
        for path in plan.rendered.files:
            yield DeployChange(kind="file", path=path, message="is written")
    for path in plan.routes:
        yield DeployChange(kind="routes", path=path, message="is written")
    for role in plan.unlinks:
        yield DeployChange(kind="unlink", path=role, message="goes: nothing has that role")
    for path in (*plan.stale, *plan.removed):
        yield DeployChange(kind="remove", path=path, message="goes: nothing needs it any more")
    if plan.needs_record:
        what = plan.draft.record_path.rpartition("/")[0]
        yield DeployChange(kind="record", path=what, message="does not tell of this yet")


def _describe_version_change(version: PlacedVersion) -> Iterator[DeployChange]:
    name, place = version.files.name, version.place
    if version.is_new:
        yield DeployChange(kind="version", path=place, message=f"gets {name}")
        return
    for path in version.state.lacking:
        message = f"is not the file of {name}"
        yield DeployChange(kind="repair", path=f"{place}/{path}", message=message)
    for path in version.state.foreign:
        message = f"is no file of {name}"
        yield DeployChange(kind="repair", path=f"{place}/{path}", message=message)
    if version.identity is not None:
        message = f"is written anew: what it says of {name} changed"
        yield DeployChange(kind="repair", path=f"{place}/{IDENTITY}", message=message)
