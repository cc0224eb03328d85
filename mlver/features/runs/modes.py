"""Which options of `mlver runs` belong to what it is asked for: one that does not is refused, since
an option that does nothing was meant for something.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlver.errors import UsageError

_LISTING = "the list"
_BELONGING: Mapping[str, tuple[str, ...]] = {
    _LISTING: ("--where", "--sort", "--reverse", "--limit", "--all", "--csv"),
    "--show": ("--metric", "--svg", "--csv", "--diff"),
    "--compare": ("--metric",),
    "--remove": ("--yes", "--git-remote", "--dry-run"),
}


def refuse_stray_options(
    asked: Mapping[str, object], options: Mapping[str, object], *, json: bool
) -> None:
    """Raise UsageError where two things are asked for at once, or for an option of another one.

    `asked` are `--show`, `--compare` and `--remove`, and `options` all others, as they were given.
    """
    modes = [name for name, value in asked.items() if value]
    if len(modes) > 1:
        raise UsageError(f"{' and '.join(modes)} ask for two things: ask for one of them")
    mode = modes[0] if modes else _LISTING
    given = [name for name, value in options.items() if value]
    for name in given:
        if name not in _BELONGING[mode]:
            owners = [owner for owner, names in _BELONGING.items() if name in names]
            raise UsageError(
                f"{name} belongs to {' and '.join(owners)}, and does nothing with {mode}",
                hint="mlver runs --help",
            )
    printed = [name for name in ("--csv", "--svg") if name in given]
    if json and printed:
        raise UsageError(f"{printed[0]} and --json are two ways to print: give one of them")
    if "--all" in given and "--limit" in given:
        raise UsageError("--all lists every run, so --limit says something else")
    if mode == "--show" and printed and "--diff" in given:
        raise UsageError(f"{printed[0]} prints curves and nothing else, so it takes no --diff")
    if len(printed) > 1:
        raise UsageError("--csv and --svg are two ways to print: give one of them")
