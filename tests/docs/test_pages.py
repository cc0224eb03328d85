"""Every screen and every generated section of the documentation is what it would be now.

`python -m tests.docs` writes them again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from mlver.cli.app import COMMANDS
from tests.conftest import CHECKOUT
from tests.docs import pages, reference
from tests.docs.stories import STORIES, StoryTeller

PAGES = pages.list_pages()
# Where `python -m tests.docs` wants the pages: no test may write into the checkout.
INTO = os.environ.get("DOCS_INTO", "")
LINK = re.compile(r"\[[^]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`(mlver [^`\n]+)`")
SHELL = re.compile(r"(?<=^```sh\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
RECORD = re.compile(r"(?<=^```yaml\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
FEATURES = CHECKOUT / "mlver" / "features"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_shows_what_is_so(page: Path, teller: StoryTeller, tmp_path: Path) -> None:
    text = pages.read_page(page)
    place = tmp_path / "repository"

    def run(command: str) -> str:
        if not place.exists():
            teller.open_story(pages.find_story(text), place)
        return teller.run_command(command, place)[1]

    renewed = pages.renew_screens(pages.renew_sections(text, reference.generate_section), run)
    if INTO:
        target = Path(INTO) / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renewed)
        pytest.skip(f"wrote {page}")
    assert renewed == text, "if the page is behind: python -m tests.docs"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_links_to_what_exists(page: Path) -> None:
    missing = []
    for path, anchor in LINK.findall(pages.read_page(page)):
        target = (CHECKOUT / page.parent / path) if path else CHECKOUT / page
        if not target.exists() or (anchor and anchor not in _list_anchors(target)):
            missing.append(f"{path}#{anchor}")
    assert missing == []


def _list_anchors(page: Path) -> set[str]:
    """The names that forges give to headings."""
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in HEADING.findall(page.read_text())
    }


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_names_commands_and_options_that_exist(page: Path) -> None:
    """Also where they are not run: in prose, and in `sh` blocks, which need another machine."""
    text = pages.read_page(page)
    lines = [
        line
        for block in SHELL.findall(text)
        for line in block.splitlines()
        if line.startswith("mlver ")
    ]
    strange = []
    for line in [*CODE.findall(text), *lines]:
        words = line.split("#")[0].split()[1:]
        command = next((word for word in words if word in COMMANDS), "")
        known = reference.name_options(command) | reference.name_options("")
        named = {word.split("=")[0] for word in words if word.startswith("--")}
        if named - known - {"--help", "--"}:
            strange.append(line)
    assert strange == []


def test_every_screen_begins_with_a_command_and_every_story_exists() -> None:
    for page in PAGES:
        text = pages.read_page(page)
        assert pages.find_story(text) in STORIES, page
        for screen in pages.SCREEN.findall(text):
            assert screen.startswith("$ "), f"{page}: {screen}"


def test_every_command_has_its_heading_and_its_options_on_one_page() -> None:
    shown = "".join(
        pages.read_page(page) for page in PAGES if page.parts[:2] == ("docs", "commands")
    )
    for command in COMMANDS:
        assert shown.count(f"\n## mlver {command}\n") == 1, command
        assert shown.count(f"\n<!-- generated: options {command} -->\n") == 1, command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_table_of_commands(command: str) -> None:
    table = pages.read_page(Path("docs/commands/README.md"))
    assert f"| [`mlver {command}" in table


@pytest.mark.skipif(not FEATURES.exists(), reason="there are no capabilities in folders yet")
def test_every_capability_has_its_page() -> None:
    capabilities = {path.parent.name for path in FEATURES.glob("*/cli.py")}
    described = {
        page.stem
        for page in PAGES
        if page.parts[:2] == ("docs", "commands") and page.stem != "README"
    }
    assert described == capabilities


def test_the_settings_pages_show_every_key() -> None:
    shown = pages.read_page(Path("docs/reference/settings.md"))
    assert "<!-- generated: settings config -->" in shown
    assert "<!-- generated: settings model -->" in shown


def test_the_record_in_the_readme_is_a_real_one(teller: StoryTeller, tmp_path: Path) -> None:
    teller.open_story("registered", tmp_path / "repository")
    _, printed = teller.run_command(
        "cat .mlver/models/digits/versions/1.0.0.yaml", tmp_path / "repository"
    )
    shown = RECORD.search(pages.read_page(Path("README.md")))
    assert shown is not None
    record = iter(pages.mask_varying(printed).splitlines())
    for line in pages.mask_varying(shown[0]).splitlines():
        assert line in record, f"{line} is not in the record, or not in this order"


def test_the_readme_is_short() -> None:
    assert len(pages.read_page(Path("README.md")).splitlines()) <= 200
    assert len(pages.read_page(Path("CONTRIBUTING.md")).splitlines()) <= 90
