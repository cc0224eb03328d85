"""Tags that records say they were adopted from, and that a hook does not see: not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlver.errors import printable_name, shell_command
from mlver.findings import Finding
from mlver.project.audit.record_history import SealedRecord
from mlver.project.tags.seen_tags import SeenTags
from mlver.records.promotion import PromotionRecord


def find_missing_origins(tags: SeenTags, records: Iterable[SealedRecord]) -> Iterator[Finding]:
    """Find the records among these whose tag has to be fetched, or pushed with them."""
    names: dict[str, str] = {}
    for record in records:
        origin = record.adopted if isinstance(record, PromotionRecord) else record.adopted_tag
        if origin is not None:
            names[record.record_path] = origin.tag
    known = tags.read_tags(set(names.values()))
    for path, name in names.items():
        if name not in known:
            message = f"says that it was adopted from the tag {printable_name(name)}, not seen here"
            push = shell_command("git", "push", "REMOTE", f"refs/tags/{name}")
            yield Finding("tag", path, message, ("git fetch --tags", push))
