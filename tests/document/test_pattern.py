"""Patterns as ECMA 262 means them: on `re` for mlver's own, on RE2 for those of a project."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.document.linear import compile_pattern
from mlver.document.pattern import PatternRefused, translate_for_re
from mlver.document.schema import load_schema
from tests.conftest import CHECKOUT, try_examples
from tests.document.documents import FORMATS

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        r"\d",
        r"\D",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        "-",
        "[a-b1]",
        r"[^\d-]",
        r"[\s1]",
        r"[^\S]",
        r"\.",
        r"\-",
        "é",
        "[à-ü]",
        "😀",
        r"\u00e9",
        r"\x61",
        r"\t",
        "[^]",
        "[]",
        r"[\w-]",
        "[-a]",
        "[a-b-1]",
        "[.$^|]",
        r"[\]\\]",
        "[[]",
        "[[:alpha:]",
    ]
)
PATTERNS = st.recursive(
    ATOMS | st.just(""),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | st.tuples(
            inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "{0}"])
        ).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
        | inner.map(lambda part: f"(?:^{part})")
        | inner.map(lambda part: f"(?:{part}$)")
    ),
    max_leaves=6,
)
# Among them are spaces, line ends and digits that Unicode has and ASCII lacks, and characters
# special to some engine.
TEXTS = st.text(alphabet="ab1-. é\n\r\t\x0b\u2028\xa0\u0661😀]\\[:$", max_size=8)

# What JSON Schema says otherwise than Python, as it is written for `re`: the whole of the
# difference.
ECMA_SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
PYTHON_TOKENS = {
    "[^]": r"[\s\S]",
    "[]": r"(?!)",
    ".": r"[^\n\r\u2028\u2029]",
    r"\s": f"[{ECMA_SPACES}]",
    r"\S": f"[^{ECMA_SPACES}]",
    "$": r"\Z",
    r"[\s1]": f"[{ECMA_SPACES}1]",
    r"[^\S]": f"[{ECMA_SPACES}]",
    "[[]": r"\[",
    "[[:alpha:]": r"[\[:alph]",
}
TOKEN = re.compile(r"\[\^?\]|\[(?:\\.|[^\]\\])*\]|\\.|.", re.DOTALL)


def contains(pattern: str, text: str) -> bool:
    return compile_pattern(pattern).contains(text)


def as_python(pattern: str) -> str:
    return TOKEN.sub(lambda token: PYTHON_TOKENS.get(token[0], token[0]), pattern)


@try_examples(400)
@given(PATTERNS, TEXTS)
def test_the_linear_engine_agrees_with_re(pattern: str, text: str) -> None:
    expected = re.search(as_python(pattern), text, re.ASCII) is not None
    assert contains(pattern, text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a$", "a\n", False),
        ("^a", "b\na", False),
        ("b", "abc", True),
        (r"^\d$", "\u0661", False),
        (r"^\w$", "é", False),
        (r"^\s$", "\u2003", True),
        (r"^\s$", "\x0b", True),
        (r"^[^\s]$", "\ufeff", False),
        (r"^\S$", "\u200b", True),
        ("^.$", "😀", True),
        ("^.$", "\r", False),
        ("^.$", "\u2029", False),
        (r"^\u0041\x42\u{43}\u{1F600}$", "ABC😀", True),
        (r"^\ud83d\ude00$", "😀", True),
        (r"^[\ud83d\ude00-\ud83d\ude02]$", "😁", True),
        (r"^[^\ud800-\udfff]$", "😀", True),
        (r"\ud83d", "😀", False),
        (r"^\0$", "\0", True),
        (r"^[[:alpha:]\]$", ":]", True),
        (r"^[[:alpha:]\]$", "b]", False),
        (r"^[\w.-]+$", "a-b.c", True),
        (r"^[+--]$", ",", True),
        (r"^[%--]$", "-", True),
        (r"^\/\-\#$", "/-#", True),
        ("^a{2,3}?$", "aaaa", False),
        ("^(?:a|b){1000}$", "ab" * 500, True),
    ],
)
def test_patterns_mean_what_ecma_says(pattern: str, text: str, matches: bool) -> None:
    assert contains(pattern, text) == matches


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "^(.*)*x$", "(((a*)*)*)*$b"]
)
def test_what_backtracks_for_ever_elsewhere_is_quick(pattern: str) -> None:
    begun = time.process_time()
    assert not contains(pattern, "a" * 300_000 + "!")
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "look-around"),
        ("(?!a)", "look-around"),
        ("(?<!a)", "look-around"),
        ("(?<n>a)", "names"),
        ("(?P<n>a)", "names"),
        ("(?i)a", "only plain groups"),
        ("(?i:a)", "only plain groups"),
        (r"(a)\1", r"`\\1`"),
        (r"\k<n>", r"`\\k`"),
        (r"\bx", r"`\\b`"),
        (r"[\b]", r"`\\b`"),
        (r"\p{L}", r"`\\p`"),
        (r"\Aa", r"`\\A`"),
        (r"a\z", r"`\\z`"),
        (r"\Qa.b\E", r"`\\Q`"),
        (r"\C", r"`\\C`"),
        (r"\a", r"`\\a`"),
        (r"\cA", r"`\\c`"),
        (r"\x{41}", r"`\\x`"),
        (r"\012", r"`\\0` before a digit"),
        (r"\u{110000}", "no Unicode character"),
        ("a**", "nothing to repeat"),
        ("a{2}{3}", "nothing to repeat"),
        ("*a", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("(?:*a)", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a++", "nothing to repeat"),
        ("a]", r"must be written `\\]`"),
        ("a}", r"must be written `\\}`"),
        ("[b-a]", "range"),
        (r"[\d-z]", "range"),
        (r"[a-\d]", "range"),
        ("(", "not closed"),
        ("a)", "too many"),
        ("[a", "too early"),
        ("[a-", "too early"),
        ("\\", "too early"),
        ("a{2,1}", "lower number"),
        ("a{1001}", "1,000"),
        ("x{", "count"),
        ("a{,3}", "count"),
        ("(a{1000}){1000}", "multiplied"),
        ("((((){999}){999}){999}){999}", "multiplied"),
        ("[^a]{999}" * 100, "too large"),
        ("a" * 4_001, "4000 characters"),
    ],
)
def test_refused_by_name_and_at_once(pattern: str, why: str) -> None:
    begun = time.process_time()
    with pytest.raises(PatternRefused, match=why):
        compile_pattern(pattern)
    assert time.process_time() - begun < 1


def test_re2_says_nothing_on_stderr() -> None:
    code = (
        "from mlver.document.linear import compile_pattern\n"
        "from mlver.document.pattern import PatternRefused\n"
        "try: compile_pattern('a(')\n"
        "except PatternRefused: pass\n"
        "import random\n"
        "compile_pattern('a[ab]{900}c').contains(''.join(random.choices('ab', k=3000)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=CHECKOUT, check=True
    )
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("pattern", "python"),
    [
        ("a$", r"a\Z"),
        (r"a\$", r"a\$"),
        ("[$]$", r"[$]\Z"),
        (r"[\]$]$", r"[\]$]\Z"),
        ("(?!x$)a", r"(?!x\Z)a"),
    ],
)
def test_translate(pattern: str, python: str) -> None:
    assert translate_for_re(pattern) == python


def own_patterns(part: Any) -> set[str]:
    """Every pattern in a schema of mlver's own."""
    patterns: set[str] = set()
    if isinstance(part, list):
        for inner in part:
            patterns |= own_patterns(inner)
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            patterns.add(part["pattern"])
        for inner in part.values():
            patterns |= own_patterns(inner)
    return patterns


@pytest.mark.parametrize(
    "pattern", sorted(set().union(*(own_patterns(load_schema(*known)) for known in FORMATS)))
)
def test_no_text_makes_our_own_patterns_slow(pattern: str) -> None:
    search = re.compile(translate_for_re(pattern), re.ASCII).search
    begun = time.process_time()
    for repeated in (
        "a",
        "0",
        "1",
        "-",
        ".",
        "a.",
        "a/",
        "1.0.0-",
        "0-a.",
        ".git/",
        "1.",
        "../",
        "-0a",
    ):
        for start in ("", "1.0.0-", "1.0.0", "a", "sha256:"):
            search(start + repeated * (30_000 // len(repeated)) + "\n")
    assert time.process_time() - begun < 3
