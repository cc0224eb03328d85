"""Which version may still be amended: one that nobody else can have, and nothing points to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_names
from mlver.git import last_commit
from mlver.git.git_tag import GitTag
from mlver.project.project import Project
from mlver.project.registry.registry import decode_version
from mlver.records import layout
from mlver.records.layout import VersionPath
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord

# Where the files lie that a record needs.
_BESIDE = (
    f"{layout.MANIFESTS}/",
    f"{layout.LISTINGS}/",
    f"{layout.TENSORS}/",
    f"{layout.PROFILES}/",
)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class AmendableVersion:
    """A record that HEAD's own commit added, its bytes, that commit, and the tag that seals it.

    `manifests` are the paths of those that the commit added as well. The tag is None for a record
    that nobody sealed yet.
    """

    record: VersionRecord
    data: bytes
    commit: str
    manifests: tuple[str, ...]
    tag: GitTag | None

    @property
    def replaced_tags(self) -> dict[str, str]:
        """The seal, which goes with the record, and the id of its object."""
        if self.tag is None:
            return {}
        return {self.tag.name: self.tag.object_id}


def find_amendable(project: Project, model: str) -> AmendableVersion:
    """Find the version of a model that HEAD's own commit registered.

    Raise MlverError where there is none, where another reference has the commit, as far as this
    clone knows, or where anything else is staged or not committed.
    """
    repository = project.repository
    commit = repository.head().commit
    if commit is None or last_commit.count_parents(repository, commit) > 1:
        raise _refuse(model, "HEAD is no commit that registered a version")
    path = _find_record_path(project, model, commit)
    (data,) = repository.blobs([f"{commit}:{path}"])
    if data is None or project.registry.read_file(path) != data:
        raise MlverError(
            f"{path} is not as it was committed", hint=shell_command("git", "diff", "--", path)
        )
    record = decode_version(data, path)
    if record.format < 2 or record.adopted_tag is not None or record.renumbered is not None:
        raise _refuse(model, f"{model} {record.version} was not made by this registration")
    tag = _read_seal(project, record, data, commit)
    _refuse_holders(project, record, commit, tag)
    _refuse_unfinished_work(project, commit)
    changed = last_commit.list_changed(repository, commit)
    added = [name for name, letter in changed.items() if letter == "A"]
    own_manifests = tuple(name for name in added if name.startswith(_BESIDE))
    return AmendableVersion(record, data, commit, own_manifests, tag)


def _find_record_path(project: Project, model: str, commit: str) -> str:
    """Find the one record that the commit added; raise MlverError where there is more in it."""
    changed = last_commit.list_changed(project.repository, commit)
    records: list[str] = []
    others: list[str] = []
    for path, letter in changed.items():
        place = layout.parse_path(path)
        if isinstance(place, VersionPath) and place.model == model and letter == "A":
            records.append(path)
        elif not path.startswith(f"{layout.ROOT}/") or _is_other_record(path):
            others.append(path)
    if not records:
        raise _refuse(model, f"HEAD's own commit, {commit[:10]}, registered no version of {model}")
    if others or len(records) > 1:
        names = summarise_names([*records[1:], *others], _SHOWN)
        raise _refuse(model, f"HEAD's own commit, {commit[:10]}, holds other things as well", names)
    return records[0]


def _is_other_record(path: str) -> bool:
    return layout.is_record_path(path) and not path.startswith(_BESIDE)


def _read_seal(project: Project, record: VersionRecord, data: bytes, commit: str) -> GitTag | None:
    name = version_tag_name(record.model, record.version)
    tag = project.repository.tags_named([name]).get(name)
    if tag is None:
        return None
    if tag.commit != commit or tag.seals != str(Digest.of_bytes(data)):
        version = f"{record.model}@{record.version}"
        raise MlverError(
            f"the tag {name} does not seal the record in HEAD's commit {commit[:10]}",
            hint=shell_command("mlver", "verify", version),
        )
    return tag


def _refuse_holders(
    project: Project, record: VersionRecord, commit: str, tag: GitTag | None
) -> None:
    """Raise MlverError where another reference has the commit: somebody may build on it."""
    seal = None if tag is None else f"refs/tags/{tag.name}"
    holders = last_commit.list_other_holders(project.repository, commit)
    others = list(islice((name for name in holders if name != seal), _SHOWN + 1))
    if others:
        others_have = f"others have {record.model} {record.version}, too, in commit {commit[:10]}"
        raise _refuse(record.model, others_have, summarise_names(others, _SHOWN))


def _refuse_unfinished_work(project: Project, commit: str) -> None:
    staged = last_commit.list_staged(project.repository, commit)
    if staged:
        raise MlverError(
            "these files are staged, and an amended version takes nothing else into its commit:\n"
            + summarise_names(staged, _SHOWN),
            hint="git status",
        )
    changed, unknown = project.repository.changes()
    loose = [path for path in (*changed, *unknown) if _may_point(path)]
    if loose:
        raise MlverError(
            "these records are not committed, and may point to the version:\n"
            + summarise_names(loose, _SHOWN),
            hint="git status",
        )


def _may_point(path: str) -> bool:
    """Whether a path is of a record, or a folder that git does not know where records may be."""
    if path.endswith("/"):
        return path.startswith(f"{layout.MODELS}/") or f"{layout.MODELS}/".startswith(path)
    return _is_other_record(path)


def _refuse(model: str, reason: str, names: str = "") -> MlverError:
    """A version that stays as it is: what to do about it, instead."""
    listed = f":\n{names}\n" if names else "; "
    return MlverError(
        f"{reason}{listed}a version is amended only before anybody else can have it: register"
        " another one, or say with `mlver note` or `mlver retire` what is wrong with this one",
        hint=shell_command("mlver", "register", model, "--bump", "patch", "-m", "WHY"),
    )
