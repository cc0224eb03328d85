"""The card of a version: all that the records say, and no power for what others wrote."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

HOSTILE = "# Head\n<script>alert(1)</script> [x](http://evil) ![i](y) *bold*\n---\n- item"
SETTINGS = ".mlver/models/digits/model.yaml"


def describe(repository: Repository, **texts: str) -> None:
    written = (repository.path / SETTINGS).read_text()
    for key, text in texts.items():
        body = text.replace("\n", "\n  ")
        written += f"{key}: |-\n  {body}\n"
    repository.write(SETTINGS, written)
    repository.commit("Describe")


def test_a_card_says_what_the_records_say(second: Repository) -> None:
    describe(second, intended_use="Read digits.", limits="No letters.", license="MIT")
    assert_works(second, "note", "digits@1.1.0", "-m", "confuses 4 and 9")
    assert_works(second, "promote", "digits@1.1.0", "--to", "staging", "-m", "Try it")
    page = assert_works(second, "card", "digits@staging")
    assert page.startswith("<!-- mlver card -->\n# `digits 1.1.0`\n")
    for words in ("## Intended use\n\nRead digits\\.", "No letters\\.", "- License: `MIT`"):
        assert words in page
    assert "| `confuses 4 and 9` |" in page
    assert re.search(r"- In `staging` since \d{4}", page)
    document = read_document(second.mlver("card", "digits@staging", "--json"), "card")
    assert document["record"] in page
    for name, value in document["metrics"].items():
        assert f"| `{name}` | `{value:g}` |" in page
    assert {one["name"] for one in document["data"]} <= set(re.findall("`([a-z]+)`", page))


def test_nothing_that_others_wrote_acts_in_it(second: Repository) -> None:
    describe(second, intended_use=HOSTILE)
    assert_works(second, "note", "digits@1.1.0", "-m", HOSTILE)
    page = assert_works(second, "card", "digits@1.1.0")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page)
    assert "alert(1)" in html
    for tag in ("<script", "<a ", "<img", "<strong", "<hr", "<li>item"):
        assert tag not in html.replace("<strong>Retired", "")
    assert re.findall("<h1>(.*)</h1>", html) == ["<code>digits 1.1.0</code>"]


def test_it_replaces_only_what_it_wrote(second: Repository) -> None:
    said = assert_works(second, "card", "digits@1.1.0", "-o", "CARD.md")
    assert said == "Wrote CARD.md\n"
    first = (second.path / "CARD.md").read_bytes()
    assert_works(second, "card", "digits@1.1.0", "-o", "CARD.md")
    assert (second.path / "CARD.md").read_bytes() == first
    second.write("README.md", "mine\n")
    assert "mlver did not write it" in assert_refused(
        second, "card", "digits@1.1.0", "-o", "README.md"
    )
    assert (second.path / "README.md").read_text() == "mine\n"


def test_a_retired_version_says_so_first(second: Repository) -> None:
    assert_works(second, "retire", "digits@1.0.0", "-m", "leaks", "--in-favour-of", "1.1.0")
    page = assert_works(second, "card", "digits@1.0.0")
    assert page.splitlines()[3].startswith("**Retired: do not use it.** `leaks; use 1.1.0`")
