"""Versions that are about to come in: who registered them, and when, by the commits themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.audit.incoming_formats import order_incoming
from mlver.project.audit.missing_origins import find_missing_origins
from mlver.project.audit.plain_secrets import describe_plain_secrets
from mlver.project.audit.record_authors import list_landings
from mlver.project.audit.record_history import find_originals, read_record_history
from mlver.project.audit.unconfirmed_versions import (
    find_late_versions,
    find_unconfirmed_versions,
    select_judged,
)
from mlver.project.history.policies import read_settings
from mlver.project.history.renumbered import judge_renumbering
from mlver.records import layout
from mlver.records.layout import VersionPath
from mlver.records.version import VersionRecord


def judge_incoming_versions(incoming: IncomingChanges, paths: Iterable[str]) -> Iterator[Finding]:
    """Judge the versions at these paths that commits bring.

    What is still to be committed has no commit that tells.
    """
    arriving = _read_versions(incoming, paths)
    yield from _find_plain_secrets(incoming, arriving)
    if incoming.tip is None or not arriving:
        return
    repository = incoming.project.repository
    models = {record.model for record in arriving}
    history = read_record_history(
        repository, models, incoming.tip, incoming.without, everything=True
    )
    verdicts = judge_renumbering(repository, arriving, incoming.tip)
    originals = find_originals(repository, history, arriving, verdicts)
    # A merge may have taken one from where it landed.
    landed = [record for record in arriving if list_landings(history, originals, record)]
    judged = select_judged(order_incoming(incoming, history, {}, landed), landed)
    tags = incoming.seen_tags
    yield from find_late_versions(tags, history, originals, judged)
    unconfirmed = find_unconfirmed_versions(tags, history, originals, judged, tip=incoming.tip)
    yield from unconfirmed
    doubtful = {finding.subject for finding in unconfirmed}
    yield from find_missing_origins(
        tags, (record for record in judged if record.record_path in doubtful)
    )


def _find_plain_secrets(
    incoming: IncomingChanges, arriving: Sequence[VersionRecord]
) -> Iterator[Finding]:
    """Find what the settings to land on call secret, and what is not encrypted."""
    if incoming.base is None or not arriving:
        return
    committed = read_settings(incoming.project.repository, [incoming.base])[incoming.base]
    if committed.config is None:
        return
    for record in arriving:
        yield from describe_plain_secrets(record, committed.config.encrypt)


def _read_versions(incoming: IncomingChanges, paths: Iterable[str]) -> list[VersionRecord]:
    """Read the versions among these files; each that cannot be read is named by its own check."""
    records: list[VersionRecord] = []
    for path in paths:
        place = layout.parse_path(path)
        if isinstance(place, VersionPath):
            with suppress(MlverError):
                record, _ = incoming.project.registry.read_version(place.model, place.version)
                records.append(record)
    return records
