"""What `push` and `pull` show."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.findings import Finding
from mlver.project.remote.arrival import Arrival
from mlver.project.remote.pulling import PullResult
from mlver.project.remote.pushing import PushResult
from mlver.project.remote.sending import SentObjects
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size

# Of many artifacts that are not whole, these many are shown.
_SHOWN = 20


def draw_push(result: PushResult, screen: TextScreen) -> None:
    for sent in result.sent:
        _draw_sent(sent, screen, dry_run=result.dry_run)
        _draw_published(sent, screen)
    if result.git_remote is not None:
        _draw_git_half(result, screen)
    if result.unsealed:
        count = format_count(len(result.unsealed), "record")
        screen.draw_line("  ", ("unsealed", "warn"), f"  {count}: no tag seals them yet", hang=2)
        draw_hints(("mlver tag", "mlver push"), screen)
    _draw_findings(result.held_back, "stays here", screen)
    _draw_findings(result.lacking, "lacking", screen)


def _draw_sent(sent: SentObjects, screen: TextScreen, *, dry_run: bool) -> None:
    place = f"{sent.remote} ({sent.address})"
    if not sent.objects:
        count = format_count(sent.present, "object")
        text = f" has everything already  ({count})"
        if sent.absent:
            text = f" has {sent.present:,} objects already, and {sent.absent:,} are nowhere here"
        screen.draw_line((sent.remote, "name"), text)
        return
    count = format_count(sent.objects, "object")
    if dry_run:
        screen.draw_line(("Would send", "bold"), f" {count} to ", (place, "name"))
        return
    size = format_size(sent.bytes_sent)
    how = f"  {sent.confirmed}"
    if sent.present:
        how += f"; it had {sent.present:,}"
    if sent.repaired:
        how += f"; {sent.repaired:,} were damaged"
    screen.draw_line(("Sent", "bold"), f" {count}, {size}, to ", (place, "name"), (how, "dim"))


def _draw_published(sent: SentObjects, screen: TextScreen) -> None:
    for address in sent.published:
        screen.draw_line(("Published", "bold"), " ", (address, "name"), ("  a ModelPack", "dim"))


def _draw_git_half(result: PushResult, screen: TextScreen) -> None:
    verb = "Would push" if result.dry_run else "Pushed"
    place = f"{result.git_remote}/{result.branch}"
    if not result.moved and not result.tags:
        seals = "" if result.unsealed else " and its seals"
        screen.draw_line((place, "name"), f" has this commit{seals} already")
        return
    commit = (result.commit or "")[:10]
    seals = format_count(len(result.tags), "seal")
    what = f" {commit} and {seals} to " if result.moved else f" {seals} to "
    screen.draw_line((verb, "bold"), what, (place, "name"))


def draw_pull(result: PullResult, screen: TextScreen) -> None:
    versions = format_count(len(result.versions), "version")
    needed = format_count(result.needed, "object")
    if result.seals:
        screen.draw_line(("Fetched", "bold"), f" {format_count(len(result.seals), 'seal')}")
    if not result.versions:
        screen.draw_line("no version holds a stage or is a release, so there is nothing to bring")
    elif not result.absent:
        screen.draw_line(f"all {needed} of {versions} are here already")
    elif result.dry_run:
        screen.draw_line(("Would ask for", "bold"), f" {result.absent:,} of {needed} of {versions}")
    for arrival in result.arrivals:
        _draw_arrival(arrival, screen)
    _draw_findings(result.lacking, "lacking", screen)


def _draw_arrival(arrival: Arrival, screen: TextScreen) -> None:
    count = format_count(arrival.objects, "object")
    size = format_size(arrival.bytes_received)
    place = f"{arrival.remote} ({arrival.address})"
    if arrival.objects:
        screen.draw_line(("Fetched", "bold"), f" {count}, {size}, from ", (place, "name"))
    for fault in arrival.wrong:
        message = f"  {fault.place} is not {fault.digest}; it was not taken"
        screen.draw_line("  ", ("wrong", "bad"), message, hang=2)


def _draw_findings(findings: Sequence[Finding], word: str, screen: TextScreen) -> None:
    for finding in findings[:_SHOWN]:
        message = f"  {finding.message}"
        screen.draw_line("  ", (word, "warn"), "  ", (finding.subject, "name"), message, hang=2)
    if len(findings) > _SHOWN:
        screen.draw_line(f"  and {len(findings) - _SHOWN:,} more")
    if findings:
        draw_hints(findings[0].hints, screen)
