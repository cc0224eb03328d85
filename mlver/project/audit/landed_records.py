"""Records that a push or a range of commits brings, and that have landed already.

Whoever merges main into a branch brings what others landed there, as it is on main: that was judged
when it landed, and nothing that is said of it now is about this push.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.commit_log import list_unreachable
from mlver.git.main_branch import list_main_branches
from mlver.project.audit.incoming import IncomingChanges


def drop_landed(incoming: IncomingChanges, findings: Iterable[Finding]) -> list[Finding]:
    """Drop the findings about records that a main branch has already, with the same bytes."""
    judged = list(findings)
    entries = incoming.record_tree.entries
    paths = [path for path in dict.fromkeys(one.subject for one in judged) if path in entries]
    if not paths or incoming.tip is None:
        return judged
    landed: set[str] = set()
    for commit in _list_mains(incoming, incoming.tip):
        held = changes_in.find_objects(
            incoming.project.repository, [f"{commit}:{path}" for path in paths]
        )
        for path, known in zip(paths, held, strict=True):
            if known is not None and known.object_id == entries[path].object_id:
                landed.add(path)
    return [finding for finding in judged if finding.subject not in landed]


def _list_mains(incoming: IncomingChanges, tip: str) -> Sequence[str]:
    """List the commits whose records have landed, as far as the repository knows that judges."""
    commits: list[str] = []
    if incoming.base is not None:
        commits.append(incoming.base)
    if incoming.asked_by == "pre-receive":
        return commits
    repository = incoming.project.repository
    mains = list_main_branches(repository)
    is_before_push = incoming.asked_by == "pre-push"
    references = [main.remote_reference for main in mains]
    if not any(references) and not is_before_push:
        # The main branch here may be the very one that is pushed, and is nowhere else yet.
        references = [main.local_reference for main in mains]
    for reference in filter(None, references):
        # A check may run after the push: a main branch that has all of it says nothing of it.
        if is_before_push or list_unreachable(repository, [tip], [reference]):
            commits.append(reference)
    return commits
