"""Which seals may be unsigned though the settings ask for signed ones: those of older records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlver.git.commit_log import CommitEntry
from mlver.project.audit.record_history import RecordHistory, read_record_history
from mlver.project.project import Project
from mlver.records import layout

# A branch may not know for so long that the main branch asks for signed seals.
_LONGEST_WAIT_S = 30 * 86_400


def find_before_signing(project: Project, paths: Iterable[str]) -> frozenset[str]:
    """Find the records that landed before the settings asked for signed seals.

    The commits that added them count, wherever their tags point.
    """
    wanted = list(paths)
    if not wanted or project.repository.head().commit is None:
        return frozenset()
    models: set[str] = set()
    for path in wanted:
        place = layout.parse_path(path)
        if place is not None:
            models.add(place.model)
    history = read_record_history(project.repository, models, everything=True)
    switches: list[CommitEntry] = []
    for entry in history.entries.values():
        state, ground = history.states[entry.commit], history.grounds[entry.commit]
        if _asks_for_signing(history, state) and not _asks_for_signing(history, ground):
            switches.append(entry)
    found: set[str] = set()
    for path in wanted:
        additions = history.additions.get(path, ())
        # What a shallow clone begins with may have come at any time.
        is_known = bool(additions) or history.incomplete
        if is_known and all(_precedes_signing(history, entry, switches) for entry in additions):
            found.add(path)
    return frozenset(found)


def _asks_for_signing(history: RecordHistory, object_id: str | None) -> bool:
    committed = history.settings.get(object_id or "")
    return committed is not None and committed.config is not None and committed.config.tags.signed


def _precedes_signing(
    history: RecordHistory, addition: CommitEntry, switches: Sequence[CommitEntry]
) -> bool:
    if _asks_for_signing(history, history.states[addition.commit]):
        return False
    for switch in switches:
        if history.is_before(addition, switch) or history.is_before(switch, addition):
            continue
        if addition.committed - switch.committed > _LONGEST_WAIT_S:
            return False
    return True
