"""What doctor says of the clone and its remotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlver.errors import MlverError, shell_command
from mlver.features.checking.diagnosis import Diagnosis, DoctorCheck, PassedCheck
from mlver.findings import Finding
from mlver.git import remotes
from mlver.git.git_tag import GitTag
from mlver.project.artifacts.bringing import has_remotes
from mlver.project.audit import audit
from mlver.project.history.lost_code import find_lost_code
from mlver.project.project import Project
from mlver.project.remote.configured import list_remotes
from mlver.project.remote.needed import read_versions
from mlver.project.remote.unshared import find_unshared
from mlver.project.tags import standing_tags
from mlver.project.tags.missing_seals import SealableRecord
from mlver.records import layout
from mlver.records.tags import read_tag_name

# Of what others cannot get, so much is named.
_SHOWN = 10


def has_remote(project: Project) -> bool:
    return remotes.default_remote(project.repository) is not None


def check_clone(project: Project) -> Iterator[DoctorCheck]:
    """What a clone was told to leave out, or what history left behind."""
    for finding in audit.catch_errors("HEAD", find_lost_code(project)):
        yield Diagnosis(finding, level="remark")
    if project.repository.is_shallow():
        message = (
            "this clone is shallow: what was done to a record before its history begins "
            "cannot be told"
        )
        finding = Finding("clone", "history", message, ("git fetch --unshallow --tags",))
        yield Diagnosis(finding, level="remark")
    for _, name, value in project.repository.settings(r"^remote\..*\.(tagopt|promisor)$"):
        remote = name.split(".", 1)[1].rpartition(".")[0]
        if value == "--no-tags":
            message = (
                f"none come from {remote} by themselves, "
                "so what was sealed elsewhere looks unsealed here"
            )
            next_command = shell_command("git", "fetch", "--tags", remote)
            yield Diagnosis(Finding("clone", "tags", message, (next_command,)), level="remark")
        elif value == "true":
            message = (
                f"this clone is partial: mlver fetches nothing from {remote} behind your back, "
                "and says what is "
                "missing"
            )
            next_command = "git log --all --patch -- .mlver >/dev/null"
            yield Diagnosis(Finding("clone", "history", message, (next_command,)), level="remark")


def check_remotes(project: Project) -> Iterator[DoctorCheck]:
    """Say where records and tags can be sent, and where the remote has other tags."""
    remote = remotes.default_remote(project.repository)
    if remote is not None:
        sent = "mlver tag --push sends seals there, and no stored bytes"
        if has_remotes(project):
            sent = "mlver push sends branch and seals there, and bytes to the remotes below"
        yield PassedCheck("remote", f"{remote}; {sent}")
        yield from _check_rival_tags(project, remote)
        return
    message = "there is none: this is the only copy of the records"
    hints = ("git remote add origin URL", "git push -u origin HEAD", "mlver tag --push")
    yield Diagnosis(Finding("remote", "remote", message, hints), level="remark")


def check_sharing(project: Project) -> Iterator[DoctorCheck]:
    """Say what others could not get: every remote that is confirmed is asked."""
    # Settings that cannot be read, and manifests with a fault, are named by their own checks.
    try:
        remotes_here = list_remotes(project)
        findings = find_unshared(project, read_versions(project))
    except MlverError:
        return
    if not remotes_here:
        return
    if not findings:
        names = ", ".join(remote.name for remote in remotes_here)
        yield PassedCheck("sharing", f"others can get every version, its bytes from {names}")
    for finding in findings[:_SHOWN]:
        yield Diagnosis(finding, level="remark")
    if len(findings) > _SHOWN:
        message = f"{len(findings) - _SHOWN:,} more cannot be had by others"
        yield Diagnosis(Finding("object", "sharing", message, ("mlver push",)), level="remark")


def _check_rival_tags(project: Project, remote: str) -> Iterator[DoctorCheck]:
    """Version tags here that are other objects than the remote's: it is asked for them."""
    own_tags: dict[str, GitTag] = {}
    for name, tag in project.repository.tags().items():
        if tag.seals and read_tag_name(name) is not None:
            own_tags[name] = tag
    if not own_tags:
        return
    try:
        published = remotes.list_remote_tags(project.repository, remote)
    except MlverError:
        message = f"{remote} could not be asked for its tags"
        look = shell_command("git", "ls-remote", "--tags", remote)
        yield Diagnosis(Finding("remote", "remote", message, (look,)), level="remark")
        return
    rivals: list[SealableRecord] = []
    for name, tag in own_tags.items():
        tag_name = read_tag_name(name)
        if tag_name is not None and published.get(name, tag.object_id) != tag.object_id:
            rivals.append(SealableRecord(layout.record_path(tag_name), name))
    # The other tags are fetched, and get no names here: only they say what they seal.
    for finding in audit.catch_errors(remote, _find_rivals(project, remote, rivals, published)):
        yield Diagnosis(finding, level="remark")


def _find_rivals(
    project: Project,
    remote: str,
    rivals: Sequence[SealableRecord],
    published: Mapping[str, str],
) -> Iterator[Finding]:
    head = project.repository.head().commit
    if head is not None:
        yield from standing_tags.find_rival_tags(project, remote, head, rivals, published)
