"""Writes the screens and the generated sections of the documentation again.

    python -m tests.docs                       every page, and the manual pages
    python -m tests.docs docs/formats.md       only this one

Look at the difference before you commit it: what changed there changed for the reader.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import CHECKOUT
from tests.docs import manual
from tests.docs.pages import list_pages, read_page


def main() -> int:
    wanted = [Path(word) for word in sys.argv[1:]] or list_pages()
    with tempfile.TemporaryDirectory() as folder:
        if failed := _renew_pages(wanted, Path(folder)):
            return failed
        for page in wanted:
            renewed = (Path(folder) / page).read_text()
            if renewed != read_page(page):
                (CHECKOUT / page).write_text(renewed)
                sys.stdout.write(f"wrote {page}\n")
    if not sys.argv[1:]:
        _renew_manual()
    return 0


def _renew_manual() -> None:
    """Write the manual pages again; remove those of commands that are gone."""
    folder = CHECKOUT / manual.FOLDER
    pages = manual.write_pages()
    for page in folder.iterdir():
        if page.name not in pages:
            page.unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            sys.stdout.write(f"wrote {manual.FOLDER}/{name}\n")


def _renew_pages(wanted: list[Path], folder: Path) -> int:
    """The tests know how; run so, they write the pages into the folder instead of judging them."""
    tests = [f"tests/docs/test_pages.py::test_a_page_shows_what_is_so[{page}]" for page in wanted]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", *tests],
        cwd=CHECKOUT,
        env={**os.environ, "DOCS_INTO": str(folder)},
        stdout=subprocess.DEVNULL if not sys.stderr.isatty() else None,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
