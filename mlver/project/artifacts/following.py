"""Links out of the work tree in the place of an artifact, and which of them are followed.

A link may come with the repository, and so may `model.yaml`, which says that it is followed. But no
repository decides where files are read and written: the person says so, once, on their own command
line (see `agreed_links`).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.walk import OUTSIDE, LinkBounds
from mlver.project.artifacts.agreed_links import AgreedLink, read_agreed
from mlver.project.project import Project
from mlver.records import layout
from mlver.system.folders import open_real


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
        return AgreedLink.bind_link(self.top, self.path, self.target)

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
    if _bound_links(project).contains_path(os.fsencode(target)):
        return None
    return OutsideLink(project.top_folder, path, target, _identify_folder(os.stat(target)))  # noqa: PTH116


def _bound_links(project: Project) -> LinkBounds:
    return LinkBounds.of_folder(project.top_folder, layout.ROOT)


def find_followed(
    project: Project, path: str, agreed: Collection[AgreedLink] | None = None
) -> OutsideLink | None:
    """Find the link in an artifact's place that is followed; None where there is none.

    Those `agreed` are followed; if None, those that this user agreed to. Raise LinkNotFollowed for
    one that is not, MlverError for one that never is.
    """
    link = find_outside(project, path)
    if link is None:
        return None
    # first: nobody is to be asked to agree to it
    refuse_reserved(project, link)
    if agreed is None:
        agreed = read_agreed(project)
    if link.agreement not in agreed:
        raise LinkNotFollowed(link)
    return link


def list_unfollowed(
    project: Project, places: Iterable[str], agreed: Collection[AgreedLink] | None = None
) -> list[OutsideLink]:
    """List the links in these places that lead out of the work tree and are not followed.

    Raise MlverError for one that never is.
    """
    unfollowed: list[OutsideLink] = []
    for path in places:
        try:
            find_followed(project, path, agreed)
        except LinkNotFollowed as error:
            unfollowed.append(error.link)
    return unfollowed


def describe_links(links: Sequence[OutsideLink]) -> str:
    """Describe links out of the work tree in a phrase; there is at least one."""
    if len(links) == 1:
        return links[0].describe_link()
    described: list[str] = []
    for link in links:
        described.append(f"{printable_name(link.path)} to {printable_name(link.target)}")
    return f"these are symlinks out of the work tree: {', '.join(described)}"


def find_agreements(project: Project, places: Iterable[str]) -> frozenset[AgreedLink]:
    """Find what there is to agree to, so that the links in these places are followed.

    Raise MlverError for one that never is.
    """
    agreements: set[AgreedLink] = set()
    for path in places:
        link = find_outside(project, path)
        if link is not None:
            refuse_reserved(project, link)
            agreements.add(link.agreement)
    return frozenset(agreements)


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
        fault = _bound_links(project).find_fault(os.fsencode(location))
        if fault is not None:
            raise MlverError(
                f"{printable_name(path)} {fault}", hint=shell_command("ls", "-ld", "--", path)
            )
    return location


def locate_folder(root: Path, folder: str, followed: Mapping[str, str]) -> Path:
    """Find a folder below `root`, or behind one of the links `followed`, each with its real folder.

    Raise MlverError where another link stands on the way to it.
    """
    for path, target in followed.items():
        if folder != path and not folder.startswith(f"{path}/"):
            continue
        if os.path.realpath(target) != target:
            raise MlverError(f"{printable_name(target)} is behind a symlink by now")
        if folder == path:
            return Path(target)
        return paths.join_inside(Path(target), folder.removeprefix(f"{path}/"))
    return paths.join_inside(root, folder)
