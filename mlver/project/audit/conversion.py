"""Whether git changes the bytes of records on their way into the work tree."""

from __future__ import annotations

from collections.abc import Iterator

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.project.project import Project
from mlver.records import layout

_ATTRIBUTES = ("text", "eol", "working-tree-encoding", "ident", "filter")
_OFF = ("unset", "unspecified")


def find_conversion(project: Project) -> Iterator[Finding]:
    """Name the attributes that go before `.mlver/.gitattributes`, which keeps every byte.

    Where git converts, `git checkout` writes the same wrong bytes again.
    """
    arguments = ["check-attr", "-z", *_ATTRIBUTES, "--", layout.CONFIG]
    fields = project.repository.process.read(arguments).decode(errors="replace").split("\0")
    converting: list[str] = []
    for name, value in zip(fields[1::3], fields[2::3], strict=False):
        if value not in _OFF:
            converting.append(f"{name}={value}")
    if converting:
        yield Finding(
            "layout",
            layout.ROOT,
            f"git changes the bytes of what it checks out here ({', '.join(converting)}): some"
            " attributes go before its own. Take them out of .git/info/attributes, remove the"
            " files that are named as edited, and check them out again",
            (shell_command("git", "check-attr", "--all", "--", layout.CONFIG),),
        )
