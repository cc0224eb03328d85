"""The pages of the documentation, and what in them is not written by hand.

A page is README.md, CONTRIBUTING.md or any Markdown file below docs/. Tests keep two things in it
true:

* A screen: a `console` block. A line that begins with `$ ` is a command, lines with `> ` continue
  it, and the rest is what it printed. The commands of a page run in order, in one repository. The
  page's line `<!-- story: NAME -->` says how that repository begins (see `tests.docs.stories`);
  without the line, the story is `trained`.
* A generated section, between `<!-- generated: NAME … -->` and `<!-- /generated -->` (see
  `tests.docs.reference`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.conftest import CHECKOUT

SCREEN = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
SECTION = re.compile(
    r"(?<=^<!-- generated: )(.+?)( -->\n).*?(?=^<!-- /generated -->$)", re.MULTILINE | re.DOTALL
)
STORY = re.compile(r"^<!-- story: (\S+) -->$", re.MULTILINE)

# What differs between machines: ids of commits, of records and of keys, the Python with
# its packages, and the git that ran.
VARIES = re.compile(
    r"\b[0-9a-f]{10,64}\b|(?<=sha256:)[0-9a-f]+|(?<=SHA256:)[A-Za-z0-9+/]+"
    r"|3\.\d+\.\d+ on \S+|\d+ packages?|\d+ more fields|\bgit +\d+\.\d+\.\d+"
)


def list_pages() -> list[Path]:
    """Every page, relative to the checkout."""
    below = sorted((CHECKOUT / "docs").rglob("*.md"))
    pages = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *below]
    return [page.relative_to(CHECKOUT) for page in pages]


def read_page(page: Path) -> str:
    return (CHECKOUT / page).read_text()


def find_story(text: str) -> str:
    named = STORY.search(text)
    return named[1] if named else "trained"


def renew_sections(text: str, generate: Callable[[str], str]) -> str:
    """The page with each generated section as it would be generated now."""
    return SECTION.sub(lambda section: f"{section[1]}{section[2]}{generate(section[1])}", text)


def renew_screens(text: str, run: Callable[[str], str]) -> str:
    """The page with each screen as it looks now. A screen stays where only what varies differs."""

    def renew(screen: re.Match[str]) -> str:
        shown = _play_screen(screen[0], run)
        return screen[0] if mask_varying(shown) == mask_varying(screen[0]) else shown

    return SCREEN.sub(renew, text)


def _play_screen(screen: str, run: Callable[[str], str]) -> str:
    return "".join(typed + run(_read_command(typed)) for typed in list_commands(screen))


def list_commands(screen: str) -> list[str]:
    """What a person types in a screen: each command with its continued lines."""
    typed: list[str] = []
    continues = False
    for line in screen.splitlines(keepends=True):
        continues = continues and line.startswith(("> ", ">\n"))
        if continues:
            typed[-1] += line
        elif line.startswith("$ "):
            typed.append(line)
            continues = True
    return typed


def _read_command(typed: str) -> str:
    return "".join(line[1:].removeprefix(" ") for line in typed.splitlines(keepends=True))


def mask_varying(screen: str) -> str:
    return VARIES.sub("…", screen)
