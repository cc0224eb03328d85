"""What gc and du print."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.retention.du import DuResult, DuVersion
from mlver.features.retention.gc import GcResult
from mlver.features.retention.preview_screen import draw_lacking, draw_preview
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_count, format_size

_LOCAL = {
    "kept": "in use: a branch, a tag, a reflog, a work tree or the settings lead to it",
    "too young": "needed by nothing, and stored less than {grace} ago: left alone",
    "trashed": "needed by nothing: {done} to the trash, where it stays for {grace}",
    "repacked": "packs of which less than half is needed: {written} anew",
    "waiting": "in the trash for less than {grace}",
    "restored": "in the trash, and needed again: {put} back",
    "deleted": "in the trash for {grace} or longer: {deleted}",
}
_IDLE = frozenset(("kept", "too young", "waiting"))
_REMOTE = {
    "kept": "needed by one of the repositories, or pinned by a push",
    "deleted": "condemned {grace} ago or earlier, and still needed by nothing: {deleted}",
    "condemned": "needed by nothing: {condemned}, to be deleted in {grace} at the earliest",
    "waiting": "condemned less than {grace} ago",
}


def draw_gc(result: GcResult, screen: TextScreen) -> None:
    where = "the local store" if result.remote is None else result.place
    verb = "Would collect" if result.dry_run else "Collected"
    screen.draw_line((verb, "bold"), " what nobody needs in ", (where, "name"))
    wording = _LOCAL if result.remote is None else _REMOTE
    words = _choose_words(result)
    rows: list[list[Cell]] = []
    for line in result.lines:
        size = format_size(line.bytes)
        rows.append([f"{line.count:,}", size, wording[line.fate].format(**words)])
    headers = ("contents" if result.remote is None else "blobs", "bytes", "")
    screen.draw_table(rows, headers=headers, right=(0, 1), indent=2, fold=2)
    if not result.lines:
        screen.draw_line("  nothing is stored there")
    _draw_remarks(result, screen)
    _draw_sharing(result, screen)
    if result.preview is not None:
        draw_preview(result.preview, screen)
    freed = format_size(result.freed)
    screen.draw_line("Would free " if result.dry_run else "Freed ", (freed, "bold"))
    shares = result.preview is not None and bool(result.preview.files)
    if result.dry_run and (shares or any(line.fate not in _IDLE for line in result.lines)):
        command = ["mlver", "gc"]
        if result.remote is not None:
            command += ["--remote", result.remote]
        for repository in result.forgotten:
            command += ["--forget-repository", repository]
        screen.draw_next(shell_command(*command, "--yes"))


def _draw_sharing(result: GcResult, screen: TextScreen) -> None:
    sharing = result.sharing
    if sharing is None:
        return
    if sharing.files:
        files = format_count(sharing.files, "file")
        screen.draw_line(
            f"  tensors that are in other versions, too, are stored once: {files} of"
            f" {format_size(sharing.bytes)} took {format_size(sharing.stored)}",
            hang=2,
        )
        screen.draw_note(
            f"the whole files wait in the trash for {format_count(result.grace, 'day')}"
        )
    if sharing.problem is not None:
        draw_lacking(sharing.problem, sharing.hint, screen)


def _choose_words(result: GcResult) -> dict[str, str]:
    words = {"grace": format_count(result.grace, "day")}
    for name in ("deleted", "condemned", "written", "put"):
        words[name] = f"would be {name}" if result.dry_run else name
    words["done"] = "would go" if result.dry_run else "went"
    return words


def _draw_remarks(result: GcResult, screen: TextScreen) -> None:
    if result.remote is None:
        return
    sharing = format_count(result.repositories, "repository", "repositories")
    screen.draw_line(f"  all references of {sharing} with contents there were read", hang=2)
    if result.pins:
        pushes = format_count(result.pins, "push", "pushes")
        screen.draw_line(f"  {pushes} under way: what they name is kept", hang=2)
    for other in result.busy:
        screen.draw_line(f"  another gc is deleting there: {other}", hang=2)
    if result.keeps_versions:
        screen.draw_note(
            "where the bucket keeps versions, what is deleted stays as an old version until a"
            " lifecycle rule of the bucket removes it; such a rule is also for uploads that were"
            " never completed"
        )


def draw_du(result: DuResult, screen: TextScreen) -> None:
    screen.draw_line(("Local store", "bold"), f"  {format_size(result.total)}")
    rows: list[list[Cell]] = []
    for place in result.local:
        files = format_count(place.count, "file")
        rows.append([place.kind, format_size(place.bytes), files])
    screen.draw_table(rows, right=(1, 2), indent=2)
    if result.versions:
        screen.draw_blank_line()
        versions: list[list[Cell]] = [_describe_version(version) for version in result.versions]
        headers = ("version", "bytes", "its own", "")
        screen.draw_table(versions, headers=headers, right=(1, 2), fold=3)
        screen.draw_line(f"{format_size(result.shared)} belong to several versions", hang=2)
        if result.saved > 0:
            saved = format_size(result.saved)
            screen.draw_line(f"{saved} less are stored, because versions share tensors", hang=2)
    for remote in result.remotes:
        screen.draw_blank_line()
        screen.draw_line((remote.address, "name"))
        places: list[list[Cell]] = []
        for place in remote.places:
            blobs = format_count(place.count, "blob")
            places.append([place.kind, format_size(place.bytes), blobs])
        screen.draw_table(places, right=(1, 2), indent=2)
    screen.draw_blank_line()
    _draw_garbage(result, screen)


def _describe_version(version: DuVersion) -> list[Cell]:
    missing: Cell = ""
    if version.missing:
        missing = (f"{format_count(version.missing, 'content')} not here", "warn")
    name: Cell = (f"{version.model} {version.version}", "name")
    return [name, format_size(version.bytes), format_size(version.own), missing]


def _draw_garbage(result: DuResult, screen: TextScreen) -> None:
    if result.problem is not None:
        screen.draw_line("gc cannot tell what nobody needs: ", result.problem, hang=2)
        return
    screen.draw_line(
        f"gc would delete {format_size(result.freed)}, and move {format_size(result.unneeded)} to"
        f" the trash, where {format_size(result.expiring)} wait",
        hang=2,
    )
    if result.sharable:
        files = format_count(result.sharable, "file")
        screen.draw_line(f"it would keep {files} in parts that versions share", hang=2)
    if result.freed or result.unneeded or result.sharable:
        screen.draw_next("mlver gc")
