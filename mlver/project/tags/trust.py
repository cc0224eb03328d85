"""Whether a version may be acted on: its tag or a promotion names the record that is here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_retirement, find_usable
from mlver.project.tags.seals import judge_version
from mlver.records import layout
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.records.retirement import RetirementRecord


def read_vouched_record(project: Project, ref: str | None) -> tuple[VersionRecord, Digest]:
    """Read the record that `ref` names, with its digest, for a command that acts on it.

    Raise MlverError when its tag, or a promotion of it, names another record than the one here. A
    record that nothing names yet passes by its version, as in a pull request; a stage's own
    promotion always names it.
    """
    chosen = project.resolve_ref(ref)
    model, version = chosen.model, chosen.version
    record, digest = project.registry.read_version(model, version)
    require_unedited(project, record, digest)
    for path, promotion in project.registry.read_promotions_of(model, version):
        if promotion.record != digest:
            record_path = layout.version_path(model, version)
            raise MlverError(
                f"{model} {version} cannot be trusted: "
                f"{path} promoted another record than the one here",
                hint=shell_command("git", "log", "-p", "--", record_path),
            )
    return record, digest


def describe_retirement(project: Project, record: VersionRecord) -> str | None:
    """Say that a version is retired, or that it may be as nobody can read that; None for one that
    is in use.

    What only gives a version out says so and goes on: it must not wait for a repair.
    """
    name = f"{record.model} {record.version}"
    try:
        retirement = find_retirement(project.registry, record.model, record.version)
    except MlverError as error:
        return f"{name} may be retired: {summarise_error(error)}"
    return None if retirement is None else f"{name} is retired: {retirement.reason}"


def show_retirement(project: Project, record: VersionRecord) -> None:
    """Show a note for a version that is retired."""
    notice = describe_retirement(project, record)
    if notice is not None:
        project.reporter.show_note(notice)


def require_unretired(project: Project, chosen: ResolvedRef, stage: str) -> None:
    """Raise MlverError for a retired version, which no stage may be given; `stage` was to be."""
    folder = layout.attached_folder("retirement", chosen.model, chosen.version)
    require_as_committed(project.repository, project.registry, folder)
    retirement = find_retirement(project.registry, chosen.model, chosen.version)
    if retirement is not None:
        words = ("mlver", "promote", "REF", "--to", stage, "-m", names.PLACEHOLDER)
        raise build_retired_error(project, chosen, retirement, words)


def build_retired_error(
    project: Project, chosen: ResolvedRef, retirement: RetirementRecord, words: Sequence[str]
) -> MlverError:
    """Build the error for a retired version; `words` are what to do with another, called REF."""
    ref = f"{chosen.model}@{chosen.version}"
    restore = shell_command("mlver", "retire", ref, "--restore", "-m", names.PLACEHOLDER)
    hints: tuple[str, ...] = (restore,)
    instead = retirement.successor or _find_unretired(project, chosen.model)
    if instead is not None:
        successor = f"{chosen.model}@{instead}"
        again = [successor if word == "REF" else word for word in words]
        hints = (shell_command(*again), restore)
    return MlverError(
        f"{chosen.model} {chosen.version} is retired, so no stage is given to it:"
        f" {retirement.reason}",
        hints=hints,
    )


def _find_unretired(project: Project, model: str) -> str | None:
    """Find the highest release that is not retired."""
    releases = [
        version for version in project.registry.list_versions(model) if version.prerelease is None
    ]
    return find_usable(project.registry, model, map(str, reversed(releases)))


def require_unedited(project: Project, record: VersionRecord, digest: Digest) -> None:
    """Raise MlverError when a version's tag names another record than the one here."""
    broken_link = _find_broken_link(project, record, digest)
    # No tag at all is no contradiction: a version in a pull request has none yet.
    if broken_link is not None and broken_link.kind != "unsealed":
        raise _build_trust_error(record, broken_link)


def require_trusted(
    project: Project, record: VersionRecord, digest: Digest, *, vouched: Collection[Digest]
) -> None:
    """Raise MlverError unless the version's tag, or an earlier promotion, names this record.

    `vouched` are the digests that earlier promotions name. They stand in for a tag that is missing,
    not for one that names another record.
    """
    broken_link = _find_broken_link(project, record, digest)
    if broken_link is None:
        return
    if broken_link.kind == "unsealed" and digest in vouched:
        return
    raise _build_trust_error(record, broken_link)


def _find_broken_link(project: Project, record: VersionRecord, digest: Digest) -> Finding | None:
    """Find the first thing that is wrong with a version's tag."""
    findings, _ = judge_version(project, record.model, record.version, digest)
    if not findings:
        return None
    return findings[0]


def _build_trust_error(record: VersionRecord, broken: Finding) -> MlverError:
    reason = f"{broken.subject} {broken.message}"
    message = f"{record.model} {record.version} cannot be trusted: {reason}"
    return MlverError(message, hints=broken.hints, findings=(broken,))
