"""The automaton agrees with `re` where both can judge, and takes linear time where `re` does not."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlver.document.automaton import Automaton, Budget, TooCostly
from mlver.document.pattern import PatternRefused, translate

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[ab]",
        "[^a]",
        r"\d",
        r"\W",
        r"\s",
        "-",
        "[a-b1]",
        r"\.",
        "é",
        r"\u00e9",
        r"\x61",
        "[^]",
        r"[\w-]",
    ]
)
PATTERNS = st.recursive(
    ATOMS | st.just(""),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | st.tuples(
            inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "{0}"])
        ).map(lambda it: f"(?:{it[0]}){it[1]}")
        | inner.map(lambda part: f"(?:^{part})")
        | inner.map(lambda part: f"(?:{part}$)")
    ),
    max_leaves=6,
)


def search(pattern: str, text: str) -> bool:
    return Automaton.of(pattern, Budget(10**7)).search(text)


@settings(max_examples=1500)
@given(PATTERNS, st.text(alphabet="ab1-. é\n", max_size=8))
def test_it_agrees_with_re(pattern: str, text: str) -> None:
    python = translate(pattern).replace(
        "[^]", r"[\s\S]"
    )  # ECMA's any character; Python has no such class
    python = re.sub(r"(?<!\\)\.(?![^[]*\])", r"[^\\n\\r\\u2028\\u2029]", python)
    assert search(pattern, text) == (re.search(python, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        "(a*)*b",
        "^(.*)*x$",
        "a{0,300}" * 2 + "b",
        "(((a*)*)*)*$b",
    ],
)
def test_what_backtracks_for_ever_elsewhere_is_quick(pattern: str) -> None:
    begun = time.process_time()
    assert not search(pattern, "a" * 3000 + "!")
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "look-around"),
        ("(?<!a)", "look-around"),
        ("(?<n>a)", "names"),
        (r"(a)\1", r"`\\1`"),
        (r"\bx", r"`\\b`"),
        (r"\p{L}", r"`\\p`"),
        ("a**", "nothing to repeat"),
        ("*a", "must be written"),
        ("[b-a]", "range"),
        (r"[\d-z]", "range"),
        ("(", "not closed"),
        ("a)", "too many"),
        ("[a", "too early"),
        ("\\", "too early"),
        ("a{2,1}", "lower number"),
        ("a{1001}", "1000"),
        ("x{", "count"),
        ("^*", "cannot repeat"),
        ("(a{1000}){1000}", "too large"),
        ("((((){999}){999}){999}){999}", "too large"),
        ("(" * 51 + ")" * 51, "nest"),
        ("(" * 4_000, "nest"),
        ("a" * 4_000, "too large"),
        ("|" * 4_000, "too large"),
        ("a" * 4_001, "4000 characters"),
    ],
)
def test_refused_by_name_and_at_once(pattern: str, why: str) -> None:
    begun = time.process_time()
    with pytest.raises(PatternRefused, match=why):
        search(pattern, "a")
    assert time.process_time() - begun < 1


def test_the_budget_is_kept() -> None:
    with pytest.raises(TooCostly):
        Automaton.of("(a|b)*c", Budget(1000)).search("ab" * 1000)


def test_what_is_remembered_is_bounded() -> None:
    budget = Budget(10**7, room=100)
    automaton = Automaton.of("(a|b)*a(a|b){12}c", budget)
    automaton.search("abbabaab" * 100)
    assert sum(map(len, automaton.moves.values())) < 200


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
    assert translate(pattern) == python
