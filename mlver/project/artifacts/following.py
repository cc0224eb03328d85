"""Links out of the work tree in the place of an artifact, and which of them are followed.

`model.yaml` says that a link is followed. But it comes with the repository, as a link may, and no
repository decides where files are read and written. So the person says so as well, once, on their
own command line: where the link led then is kept beside git's own, with a proof that this user's
mlver wrote it.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.hashing.walk import OUTSIDE, LinkBounds
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable, proof
from mlver.system.folders import open_real
from mlver.system.regular import read_regular

_FILE = "followed.json"
_FORMAT = 1
_MOST_BYTES = 1 << 20

# The path of an artifact, and the folder that the link there leads to: relative to the top of the
# work tree, so that both can move together.
AgreedLink = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OutsideLink:
    """A link to a folder out of the work tree: `path` below `top` is where it lies.

    `target` is the folder that it leads to, on a way without links, and `identity` its device and
    number.
    """

    top: Path
    path: str
    target: str
    identity: tuple[int, int]

    @property
    def agreement(self) -> AgreedLink:
        """What is to be agreed to before it is followed."""
        return self.path, os.path.relpath(self.target, os.path.realpath(self.top))

    def describe_link(self) -> str:
        target = printable_name(self.target)
        return f"{printable_name(self.path)} is a symlink to {target}, {OUTSIDE}"

    def open_folder(self) -> int:
        """Open the folder, through no link; raise OSError where it is another by now."""
        descriptor = open_real(self.target)
        if _identify_folder(os.fstat(descriptor)) != self.identity:
            os.close(descriptor)
            raise self._build_replaced_error()
        return descriptor

    def require_in_place(self) -> None:
        """Raise OSError where the link does not lead to this folder any more."""
        location = self.top / self.path
        if _identify_folder(location.stat()) != self.identity:
            raise self._build_replaced_error()

    def _build_replaced_error(self) -> OSError:
        reason = "it was replaced while files were written to it"
        return OSError(errno.ENOTDIR, reason, os.fspath(self.top / self.path))


class LinkNotFollowed(MlverError):
    """In the place of an artifact is a link out of the work tree that nobody said to follow."""

    def __init__(self, link: OutsideLink) -> None:
        super().__init__(
            f"{link.describe_link()}; it is followed once `register --follow` or"
            " `checkout --follow` was given here",
            hint=shell_command("ls", "-ld", "--", link.path),
        )
        self.link = link


def _identify_folder(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def find_outside(project: Project, path: str) -> OutsideLink | None:
    """Find the link to a folder out of the work tree that stands in the place of an artifact."""
    location = paths.join_inside(project.top_folder, path, link_last=True)
    if not location.is_symlink() or not location.is_dir():
        return None
    target = os.path.realpath(location)
    top = os.path.realpath(project.top_folder)
    if Path(target).is_relative_to(top):
        return None
    return OutsideLink(project.top_folder, path, target, _identify_folder(os.stat(target)))  # noqa: PTH116


def find_followed(
    project: Project, path: str, agreed: Collection[AgreedLink] | None = None
) -> OutsideLink | None:
    """Find the link in an artifact's place that is followed; None where there is none.

    Those `agreed` are followed; if None, those that `model.yaml` and this user let be followed.
    Raise LinkNotFollowed for one that is not, MlverError for one that never is.
    """
    link = find_outside(project, path)
    if link is None:
        return None
    if agreed is None:
        agreed = read_agreed(project).intersection(_list_wanted(project, link))
    if link.agreement not in agreed:
        raise LinkNotFollowed(link)
    refuse_reserved(project, link)
    return link


def _list_wanted(project: Project, link: OutsideLink) -> set[AgreedLink]:
    """The link itself, where the settings of a model say that it is followed."""
    for model in project.registry.list_models():
        # Settings that cannot be read say nothing, and others tell of them.
        with suppress(MlverError):
            settings = project.registry.read_settings(model)
            if settings is not None and link.path in settings.followed_paths:
                return {link.agreement}
    return set()


def refuse_reserved(project: Project, link: OutsideLink) -> None:
    """Raise MlverError for a link to what belongs to git or mlver, or holds the work tree."""
    repository = project.repository
    reserved = (repository.common_dir, repository.git_dir, project.state_directory)
    contains_tree = Path(os.path.realpath(project.top_folder)).is_relative_to(link.target)
    if contains_tree or paths.is_reserved(Path(link.target), *reserved):
        raise MlverError(
            f"{link.describe_link()} and holds the work tree, or belongs to git or mlver itself:"
            " no artifact can lie there",
            hint=shell_command("ls", "-ld", "--", link.path),
        )


def locate_artifact(
    project: Project, path: str, agreed: Collection[AgreedLink] | None = None
) -> Path:
    """Find where the files of an artifact are: at its path, or behind a link that is followed.

    Raise MlverError for a link out of the work tree that is not, or into what is not for artifacts.
    """
    link = find_followed(project, path, agreed)
    if link is not None:
        return Path(link.target)
    location = paths.join_inside(project.top_folder, path, link_last=True)
    if location.is_symlink():
        bounds = LinkBounds.of_folder(project.top_folder, layout.ROOT)
        fault = bounds.find_fault(os.fsencode(location))
        if fault is not None:
            raise MlverError(
                f"{printable_name(path)} {fault}", hint=shell_command("ls", "-ld", "--", path)
            )
    return location


def locate_folder(root: Path, folder: str, behind: OutsideLink | None) -> Path:
    """Find a folder below `root`, or `behind` a link that is followed.

    Raise MlverError where another link stands on the way to it.
    """
    if behind is not None and folder == behind.path:
        return Path(behind.target)
    if behind is not None and folder.startswith(f"{behind.path}/"):
        return paths.join_inside(Path(behind.target), folder.removeprefix(f"{behind.path}/"))
    return paths.join_inside(root, folder)


# -- what this user agreed to ----------------------------------------------------------------------


def read_agreed(project: Project) -> frozenset[AgreedLink]:
    """Read which links this user agreed to follow; none where another wrote the file."""
    path = project.state_directory / _FILE
    try:
        document = json.loads(read_regular(path, _MOST_BYTES))
        signature = document.pop("proof", "")
        if document["format"] != _FORMAT or not proof.is_signed(
            _encode_document(document), signature, path
        ):
            return frozenset()
        return frozenset((str(place), str(target)) for place, target in document["links"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # The file may be anybody's, so any of its values may be of any type.
        return frozenset()


def agree_links(project: Project, places: Iterable[str], *, dry_run: bool) -> frozenset[AgreedLink]:
    """Agree to follow the links in these places; return all that this user agreed to.

    Hold the lock when you call it, unless on a dry run, which remembers nothing. Raise MlverError
    where that fails.
    """
    found: set[AgreedLink] = set()
    for path in places:
        link = find_outside(project, path)
        if link is not None:
            refuse_reserved(project, link)
            found.add(link.agreement)
    agreed = read_agreed(project) | found
    if not dry_run:
        _keep_agreed(project, agreed)
    return agreed


def forget_links(project: Project, places: Collection[str]) -> None:
    """Follow no link in these places any more, until the person agrees to it again.

    Hold the lock when you call it. Raise MlverError where that fails.
    """
    agreed = read_agreed(project)
    _keep_agreed(project, frozenset(link for link in agreed if link[0] not in places))


def _keep_agreed(project: Project, links: frozenset[AgreedLink]) -> None:
    if links == read_agreed(project):
        return
    document: dict[str, object] = {"format": _FORMAT, "links": sorted(links)}
    path = project.state_directory / _FILE
    try:
        document["proof"] = proof.sign_data(_encode_document(document))
        durable.write_file(path, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise refusal_error("remembering which links are followed", error) from error


def _encode_document(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
