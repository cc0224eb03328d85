"""Check incoming records: each changed file alone, then the chains that contain it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.chain import judge_seal, judge_tag
from mlver.project.artifacts.listed import find_listing_faults
from mlver.project.audit import audit
from mlver.project.audit.approval_seals import check_seal_file
from mlver.project.audit.authorised_data import judge_incoming_authorisation
from mlver.project.audit.chains import CheckedChain, check_chain
from mlver.project.audit.deployments import judge_incoming_deployment, judge_landings
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.audit.incoming_promotions import judge_incoming_promotions
from mlver.project.audit.incoming_versions import judge_incoming_versions
from mlver.project.audit.kept_files import check_kept, check_pinned_files
from mlver.project.audit.landed_records import drop_landed
from mlver.project.history import case_twins
from mlver.project.project import Project
from mlver.project.tags import promotion_seals, seals
from mlver.records import layout
from mlver.records.layout import AttachedPath, PromotionPath, VersionPath
from mlver.records.manifest import Manifest
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import version_tag_name


def judge_incoming(incoming: IncomingChanges) -> list[Finding]:
    """Judge what is coming in: everything that speaks against it, edits of landed records first."""
    present: list[str] = []
    for record_path in incoming.records:
        if record_path in incoming.record_tree.entries:
            present.append(record_path)
    incoming.record_tree.fetch_files(present)
    edited = {finding.subject for finding in incoming.edits}
    # What was edited breaks the chains it is in; saying so once is enough.
    unedited = [record_path for record_path in incoming.records if record_path not in edited]
    unedited_files = [record_path for record_path in present if record_path not in edited]
    findings = list(incoming.edits)
    findings += audit.catch_errors(layout.CONFIG, _judge_settings(incoming))
    for record_path in unedited_files:
        findings += audit.catch_errors(record_path, _judge_file(incoming, record_path))
    findings += audit.catch_errors(layout.MODELS, _judge_verdicts(incoming, unedited_files))
    findings += audit.catch_errors(layout.DEPLOYMENTS, _judge_deployments(incoming, unedited_files))
    chains = _check_chains(incoming, unedited)
    for chain in chains:
        findings += chain.findings
    promotions = judge_incoming_promotions(
        incoming, unedited_files, [chain.promotions for chain in chains]
    )
    versions = judge_incoming_versions(incoming, unedited_files)
    judged_again = [
        *audit.catch_errors(layout.MODELS, promotions),
        *audit.catch_errors(layout.MODELS, versions),
    ]
    findings += drop_landed(incoming, judged_again)
    findings += _judge_seals(incoming.project, unedited_files, incoming.replaced_seals)
    findings += _find_case_collisions(incoming, present)
    return list(dict.fromkeys(findings))


def _judge_settings(incoming: IncomingChanges) -> Iterator[Finding]:
    """Judge the settings that the records would lie beside: they may forbid what comes in."""
    tree_entry = incoming.record_tree.entries.get(layout.CONFIG)
    if tree_entry is None or not incoming.records:
        return
    touched = layout.CONFIG in incoming.records
    # What is no file at all is named with the other files that are touched.
    if touched and not tree_entry.is_file:
        return
    for finding in audit.check_config(incoming.project):
        show_command = shell_command(*incoming.look, "--", layout.CONFIG)
        yield replace(finding, hints=(show_command,)) if touched else finding
    yield from audit.find_unknown_sections(incoming.project)


def _judge_verdicts(incoming: IncomingChanges, paths: Iterable[str]) -> Iterator[Finding]:
    """Judge the dates of verdicts by the commits that bring them; the index is none yet."""
    if incoming.tip is None:
        return
    parsed = map(layout.parse_path, paths)
    attached = (place for place in parsed if isinstance(place, AttachedPath))
    places = [place for place in attached if place.kind == "verdict"]
    yield from audit.judge_verdict_dates(incoming.project, places, incoming.tip)


def _judge_deployments(incoming: IncomingChanges, paths: Iterable[str]) -> Iterator[Finding]:
    """Judge deployments by the commits that bring them; a rebase may change their order."""
    if incoming.tip is not None:
        landed = judge_landings(incoming.project, paths, incoming.tip)
        yield from (finding for finding in landed if finding.kind != "unconfirmed")


def _judge_file(incoming: IncomingChanges, path: str) -> Iterator[Finding]:
    """Judge a file by itself: its kind, its name, what it says, and the manifests it needs."""
    project = incoming.project
    show_command = shell_command(*incoming.look, "--", path)
    if not incoming.record_tree.entries[path].is_file:
        message = "is a symlink or a repository of its own, which no record is"
        yield Finding("name", path, message, (show_command,))
    elif path.startswith(f"{layout.MANIFESTS}/"):
        yield from _judge_manifest(project, path, show_command)
    elif path.startswith(f"{layout.LISTINGS}/"):
        yield from _judge_listing(project, path, show_command)
    elif path.startswith((f"{layout.TENSORS}/", f"{layout.PROFILES}/")):
        yield from _judge_kept(project, path, show_command)
    elif path.startswith(f"{layout.AUTHORISATIONS}/"):
        yield from judge_incoming_authorisation(project, path, show_command)
    elif path.startswith(f"{layout.DEPLOYMENTS}/"):
        yield from judge_incoming_deployment(project, path, show_command)
    elif path.startswith(f"{layout.MODELS}/"):
        yield from _judge_model_file(project, path, show_command)


def _judge_model_file(project: Project, path: str, show_command: str) -> Iterator[Finding]:
    """Judge a file of a model: its record, or what stands beside one."""
    record_place = layout.parse_path(path)
    if layout.is_seal_path(path):
        for finding in check_seal_file(project, path):
            yield replace(finding, hints=(show_command,))
    elif record_place is None:
        unstage = shell_command("git", "rm", "--cached", "--", path)
        yield Finding("name", path, "is no record's name", (unstage,))
    elif record_place.kind == "version":
        yield from _judge_version(project, path, record_place, show_command)
    elif record_place.kind != "promotion":  # those are read link by link, with their stage
        for finding in audit.check_record(project, path, record_place):
            yield replace(finding, hints=(show_command,))


def _judge_manifest(project: Project, path: str, hint: str) -> Iterator[Finding]:
    name = path.removeprefix(f"{layout.MANIFESTS}/")
    misnamed = list(audit.check_manifest(project, path, name))
    if misnamed:
        yield replace(misnamed[0], hints=(hint,))
        return
    try:
        Manifest.parse(project.registry.read_file(path) or b"", path)
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "manifest", path, error), hints=(hint,))


def _judge_listing(project: Project, path: str, hint: str) -> Iterator[Finding]:
    name = path.removeprefix(f"{layout.LISTINGS}/")
    try:
        for finding in audit.check_listing(project, path, name):
            yield replace(finding, hints=(hint,))
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "manifest", path, error), hints=(hint,))


def _judge_kept(project: Project, path: str, hint: str) -> Iterator[Finding]:
    try:
        for finding in check_kept(project, path):
            yield replace(finding, hints=(hint,))
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "manifest", path, error), hints=(hint,))


def _judge_version(project: Project, path: str, place: VersionPath, hint: str) -> Iterator[Finding]:
    try:
        record, _ = project.registry.read_version(place.model, place.version)
    except MlverError as error:
        yield replace(audit.describe_unreadable(project, "record", path, error), hints=(hint,))
        return
    for name, artifact in record.named_artifacts().items():
        if artifact.listing is not None:
            subject = f"{path} {name}"
            yield from find_listing_faults(project, subject, artifact)
        # A manifest tells a directory from a file, but more files than one need it.
        if artifact.files == 1:
            continue
        manifest_path = layout.manifest_path(artifact.digest)
        if project.registry.read_file(manifest_path) is None:
            message = f"needs {manifest_path}, the manifest of its {name}, which is not there"
            add = shell_command("git", "add", "--", layout.MANIFESTS)
            yield Finding("manifest", path, message, (add,))
    yield from check_pinned_files(project, record)


def _check_chains(incoming: IncomingChanges, paths: Iterable[str]) -> list[CheckedChain]:
    """Check the stages touched; all of a model's where a version record that they may name was."""
    project = incoming.project
    chains: list[CheckedChain] = []
    for model, stage in _list_touched_stages(project, paths):
        numbers = project.registry.list_sequences(layout.stage_folder(model, stage))
        incoming.record_tree.fetch_files(
            layout.promotion_path(model, stage, number) for number in numbers
        )
        chains.append(check_chain(project, model, stage))
    return chains


def _list_touched_stages(project: Project, paths: Iterable[str]) -> list[tuple[str, str]]:
    """List the models and stages that a change of these records may concern, each once."""
    touched: dict[tuple[str, str], None] = {}
    for record_path in paths:
        record_place = layout.parse_path(record_path)
        if isinstance(record_place, PromotionPath):
            touched[record_place.model, record_place.stage] = None
        elif isinstance(record_place, AttachedPath):
            if record_place.kind == "rollout" and record_place.stage is not None:
                touched[record_place.model, record_place.stage] = None
        elif isinstance(record_place, VersionPath):
            for stage in project.registry.list_stages(record_place.model):
                touched[record_place.model, stage] = None
    return list(touched)


def _judge_seals(
    project: Project, paths: Sequence[str], replaced: Collection[str]
) -> Iterator[Finding]:
    """Judge records that are not what their tags seal; one without a tag is accepted, or with one
    that is `replaced`.
    """
    for model, digests in _read_digests(project, paths).items():
        for version, seal in seals.read_seals(project, model, digests).items():
            for finding in judge_seal(model, version, digests[version], seal):
                name = version_tag_name(model, version)
                if finding.kind == "record" and name not in replaced:
                    yield _report_other_record(layout.version_path(model, version), name)
    for (model, stage), promotions in _read_promotions(project, paths).items():
        sequences = [record.sequence for record, _ in promotions]
        tagged = promotion_seals.read_promotion_tags(project, model, stage, sequences)
        for record, digest in promotions:
            if record.sequence not in tagged:
                continue
            tag, seal = tagged[record.sequence]
            for finding in judge_tag(tag.name, record.record_path, digest, seal):
                if finding.kind == "record":
                    yield _report_other_record(record.record_path, tag.name)


def _report_other_record(path: str, tag_name: str) -> Finding:
    message = "is another record than the one its tag seals"
    return Finding("record", path, message, (shell_command("git", "show", tag_name),))


def _read_digests(project: Project, paths: Iterable[str]) -> dict[str, dict[str, Digest]]:
    """Digest the version records among these paths, by model and version."""
    digests: dict[str, dict[str, Digest]] = {}
    for record_path in paths:
        record_place = layout.parse_path(record_path)
        if not isinstance(record_place, VersionPath):
            continue
        try:
            digest = project.registry.read_version_digest(record_place.model, record_place.version)
        except MlverError:
            continue  # named for what it is already
        if digest is not None:
            digests.setdefault(record_place.model, {})[record_place.version] = digest
    return digests


def _read_promotions(
    project: Project, paths: Iterable[str]
) -> dict[tuple[str, str], list[tuple[PromotionRecord, Digest]]]:
    """Read the promotions among these paths, by model and stage."""
    promotions: dict[tuple[str, str], list[tuple[PromotionRecord, Digest]]] = {}
    for record_path in paths:
        place = layout.parse_path(record_path)
        if not isinstance(place, PromotionPath):
            continue
        with suppress(MlverError):  # named for what it is with its chain
            promotion = project.registry.read_promotion(place.model, place.stage, place.sequence)
            promotions.setdefault((place.model, place.stage), []).append(promotion)
    return promotions


def _find_case_collisions(incoming: IncomingChanges, paths: Sequence[str]) -> Iterator[Finding]:
    """Find names that are one name where letter case does not count: of models, and of files and
    the folders they are in.
    """
    yield from case_twins.find_model_twins(_list_similar_models(incoming.project, paths))
    incoming_paths = set(paths)
    touched = {record_path.casefold() for record_path in paths}
    similar: dict[str, list[str]] = {}
    for record_path in incoming.record_tree.entries if touched else ():
        folded = record_path.casefold()
        if folded not in touched:
            continue
        if record_path in incoming_paths or layout.parse_path(record_path) is not None:
            similar.setdefault(folded, []).append(record_path)
    for twins in similar.values():
        if len(twins) == 1:
            continue
        older, *newer = _order_by_age(incoming, twins, paths)
        for record_path in newer:
            yield _report_case_collision(record_path, older)
    for record_path in paths:
        folder = layout.find_own_folder(record_path)
        if folder is not None and not f"{record_path}/".startswith(folder):
            yield _report_case_collision(record_path, folder)


def _order_by_age(
    incoming: IncomingChanges, twins: Sequence[str], touched: Collection[str]
) -> list[str]:
    """Order records by their age: what comes in is newer than what was there."""
    ordered = list(twins)
    if incoming.tip is not None:
        ordered = case_twins.order_by_age(incoming.project, twins, incoming.tip)
    return sorted(ordered, key=lambda record_path: record_path in touched)


def _list_similar_models(project: Project, paths: Iterable[str]) -> list[str]:
    """List the models that the paths touch, whatever the letter case."""
    touched: set[str] = set()
    for record_path in paths:
        folder = record_path.casefold()
        if folder.startswith(f"{layout.MODELS}/"):
            touched.add(folder.split("/")[2])
    if not touched:
        return []
    return [model for model in project.registry.list_models() if model.casefold() in touched]


def _report_case_collision(path: str, other: str) -> Finding:
    message = case_twins.describe_twin(other)
    return Finding("name", path, message, (shell_command("git", "rm", "--cached", "--", path),))
