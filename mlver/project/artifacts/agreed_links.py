"""The links out of the work tree that this user agreed to follow: kept beside git's own files.

An agreement holds for one clone, one work tree, one path in it and one folder, each by its real
path. So the file can be copied, and the clone moved, and nothing else is followed for it. A proof
says that this user's mlver wrote it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mlver.errors import MlverError, refusal_error
from mlver.project.project import Project
from mlver.system import durable, proof
from mlver.system.regular import read_regular

_FILE = "followed.json"
_FORMAT = 2
_MOST_BYTES = 1 << 20


class AgreedLink(NamedTuple):
    """The real path of a work tree, a path in it, and the real path of the folder it leads to."""

    top: str
    path: str
    target: str

    @classmethod
    def bind_link(cls, top: Path, path: str, target: str) -> AgreedLink:
        return cls(os.path.realpath(top), path, target)


def read_agreed(project: Project) -> frozenset[AgreedLink]:
    """Read which links this user agreed to follow; none where the file is another's or clone's."""
    path = project.state_directory / _FILE
    try:
        document = json.loads(read_regular(path, _MOST_BYTES))
        signature = document.pop("proof", "")
        if document["format"] != _FORMAT or document["clone"] != _name_clone(project):
            return frozenset()
        if not proof.is_signed(_encode_document(document), signature, path):
            return frozenset()
        return frozenset(AgreedLink(*map(str, link)) for link in document["links"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # The file may be anybody's, so any of its values may be of any type.
        return frozenset()


def keep_agreements(project: Project, links: Iterable[AgreedLink]) -> None:
    """Agree to follow these links, too.

    Hold the lock when you call it. Raise MlverError where that fails.
    """
    _keep_agreed(project, read_agreed(project).union(links))


def forget_links(project: Project, places: Collection[str]) -> None:
    """Follow no link in these places any more, until the person agrees to it again.

    Hold the lock when you call it. Raise MlverError where that fails.
    """
    top = os.path.realpath(project.top_folder)
    remaining: list[AgreedLink] = []
    for link in read_agreed(project):
        if link.top != top or link.path not in places:
            remaining.append(link)
    _keep_agreed(project, frozenset(remaining))


@contextmanager
def restoring_agreed(project: Project) -> Iterator[None]:
    """Take back what was agreed to meanwhile where the command fails. Hold the lock."""
    before = read_agreed(project)
    try:
        yield
    except BaseException:
        with suppress(MlverError):
            _keep_agreed(project, before)
        raise


def _keep_agreed(project: Project, links: frozenset[AgreedLink]) -> None:
    if links == read_agreed(project):
        return
    document: dict[str, object] = {
        "format": _FORMAT,
        "clone": _name_clone(project),
        "links": sorted(links),
    }
    path = project.state_directory / _FILE
    try:
        document["proof"] = proof.sign_data(_encode_document(document))
        durable.write_file(path, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise refusal_error("remembering which links are followed", error) from error


def _name_clone(project: Project) -> str:
    return os.path.realpath(project.state_directory)


def _encode_document(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
