"""A comment in a pull request: what others wrote may be shown in it, and may do nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlver.digest import Digest
from mlver.features.comparing import markdown
from mlver.features.comparing.review import NewVersion, ReviewResult
from mlver.features.comparing.value_diff import compare_metrics, compare_values
from mlver.findings import Finding
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works
from tests.conftest import NOW, Repository

DIGEST = Digest("0" * 64)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[a](http://x) ![b](http://y)",
    "@kim #1 !2 :tada: www.example.org http://example.org a@b.org",
    "a | b |\n| c",
    "`a` ``b`` ```c",
    "`",
    "\\",
    "\\| x \\`",
    "<!-- -->\n\n# Title\n\n- x",
    "--> <details>",
    "\x1b[31mred\u202e",
    " ",
    "x" * 5000,
)


def promoted(text: str) -> PromotionRecord:
    return PromotionRecord(
        model=text,
        stage="production",
        sequence=1,
        action="promote",
        version="1.0.0",
        previous=None,
        created=NOW,
        author=text,
        message=text,
        gates=(GateResult(gate=text, result="fail", expected=text, actual=text),),
        record=DIGEST,
        prior=None,
    )


def page(text: str) -> str:
    version = NewVersion(
        model=text,
        version="1.0.0",
        bump=None,
        parent=None,
        compared=text,
        update="full",
        created=NOW,
        author=text,
        message=text,
        record=str(DIGEST),
        params=compare_values({text: 1}, {text: text}),
        metrics=compare_metrics({text: 1}, {text: 2}, {}),
        artifacts=(),
        environment=(),
        labels=compare_values({}, {"k": text}),
        uses=(),
    )
    result = ReviewResult(
        old=text,
        new="HEAD",
        direct=False,
        base="0" * 40,
        head="1" * 40,
        versions=(version,),
        promotions=(promoted(text),),
        evaluations=(),
        notes=(),
        retirements=(),
        approvals=(),
        settings=(),
        warnings=(Finding("record", text, text, (text,)),),
    )
    return shown(result)


def shown(result: ReviewResult) -> str:
    stream = io.StringIO()
    markdown.draw_review_markdown(result, TextScreen(stream))
    return stream.getvalue()


def tokens(text: str) -> Iterator[Token]:
    """What a reader of GitHub's Markdown makes of a page."""
    for token in MarkdownIt("gfm-like").disable("linkify").parse(text):
        yield token
        yield from token.children or ()


def powers(text: str) -> list[str]:
    """The shape of a page: all its tokens but what plain text and code spans say."""
    return [
        f"{token.type} {token.content if token.type.startswith('html') else ''}"
        for token in tokens(text)
    ]


def plain(text: str) -> str:
    """What stands outside code spans: all that a forge looks through for mentions and links."""
    return " ".join(token.content for token in tokens(text) if token.type == "text")


PLAIN = powers(page("harmless"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_nothing_of_a_page(text: str) -> None:
    made = page(text)
    assert powers(made) == PLAIN
    assert not re.search(r"[@#!]\w|www|http|:\w+:", plain(made).replace("Models:", ""))
    assert "\x1b" not in made


@given(some.text(max_size=40) | some.text("`|\\ \n<>@[]()*_~", max_size=20))
def test_no_text_changes_the_shape_of_a_page(text: str) -> None:
    assert powers(page(text)) == PLAIN


def test_the_marker_is_first_and_never_changes() -> None:
    assert page("x").startswith(
        "<!-- mlver:diff -->\n\n### Models: 1 version registered, 1 stage move, 1 warning\n"
    )


def test_a_page_that_is_too_long_is_cut_between_blocks_and_says_so() -> None:
    one = page("x" * 200)
    version = some_version()
    result = many(version, 400)
    made = shown(result)
    assert len(one) < len(made) <= markdown.LIMIT
    assert "**Cut here**" in made
    assert made.endswith(f"<sub>`mlver diff main...HEAD`, {'0' * 10} → {'1' * 10}</sub>\n")
    assert made.count("#### Registered") > 50


def some_version() -> NewVersion:
    return NewVersion(
        model="m",
        version="1.0.0",
        bump=None,
        parent=None,
        compared=None,
        update="full",
        created=NOW,
        author="Kim",
        message="why " * 50,
        record=str(DIGEST),
        params=compare_values({}, {f"p{number}": number for number in range(20)}),
        metrics=(),
        artifacts=(),
        environment=(),
        labels=(),
        uses=(),
    )


def many(version: NewVersion, count: int) -> ReviewResult:
    return ReviewResult(
        old="main",
        new="HEAD",
        direct=False,
        base="0" * 40,
        head="1" * 40,
        versions=(version,) * count,
        promotions=(),
        evaluations=(),
        notes=(),
        retirements=(),
        approvals=(),
        settings=(),
        warnings=(),
    )


def test_the_command_line_tells_a_range_from_a_ref(second: Repository) -> None:
    second.git("switch", "--quiet", "-c", "topic", "digits@v1.0.0^{commit}")
    made = assert_works(second, "diff", "topic...main", "--markdown")
    assert made.startswith(f"{markdown.MARKER}\n\n### Models: 1 version registered, 1 stage move\n")
    assert "| `accuracy` | 0.91 | 0.94 | +0.03 (+3.3 %) |  |" in made
    assert (
        "| promoted `digits` | `production: (empty) → 1.0.0` | 2 of 2 open | `Release` | `Kim` |"
        in made
    )
    text = assert_works(second, "diff", "topic...main")
    assert "registered digits 1.1.0  (minor, full, after 1.0.0)\n" in text
    assert assert_works(second, "diff", "main...topic").endswith("says nothing new of any model\n")
    assert second.mlver("diff", "topic...main", "--exit-code").code == 1
    assert second.mlver("diff", "topic...main", "x").code == 2
    second.git("switch", "--quiet", "main")
    assert assert_works(second, "diff", "digits@1.0.0", "@1.1.0", "--markdown").startswith(
        markdown.MARKER
    )


def test_the_work_tree_may_be_bare_of_everything(second: Repository, tmp_path: Path) -> None:
    """What a pipeline has: a clone, without the stored bytes."""
    clone = Repository(tmp_path / "clone")
    second.git("clone", "--quiet", str(second.path), str(clone.path))
    assert "registered digits 1.1.0" in assert_works(clone, "diff", "digits@v1.0.0...origin/main")
