"""The grammar of filters.

    filter     = term ("or" term)*
    term       = factor ("and" factor)*
    factor     = "not" factor | "(" filter ")" | condition
    condition  = NAME | NAME sign VALUE | NAME ["not"] "in" "(" VALUE ("," VALUE)* ")"
    sign       = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"

A name alone asks whether the field is there, and of a yes-or-no field whether it is yes. `!=` is
the opposite of `=`, so it is true where the field is absent; `~` means "contains", whatever the
case. A name that no field has is a metric's, where it is compared with a number.

A parser library would take longer to import than `list` takes to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic

from mlver.errors import UsageError
from mlver.policy.filters.comparisons import EQUAL, build_test, read_number
from mlver.policy.filters.fields import (
    FilterField,
    Matcher,
    NamedField,
    Subject,
    find_field,
    find_metric,
)
from mlver.policy.filters.words import FilterError, FilterWord, read_words

_DEEPEST = 50
_KEYWORDS = frozenset({"and", "or", "not", "in"})
_ORDERS = frozenset({"<", "<=", ">", ">="})
_OPPOSITES = {"!=": "=", "!~": "~"}
_SYNONYMS = {"==": "="}


@dataclass(frozen=True, slots=True)
class ParsedFilter(Generic[Subject]):
    """`matches` says whether a subject is meant; `fields` are those that it asks for.

    `bare` are the names, as they were typed in `text`, that were taken for metrics.
    """

    matches: Matcher[Subject]
    fields: tuple[NamedField[Subject], ...]
    text: str = ""
    bare: tuple[FilterWord, ...] = ()


def parse_filter(text: str, fields: Mapping[str, FilterField[Subject]]) -> ParsedFilter[Subject]:
    """Read a filter over these fields.

    Raise FilterError, with a caret below the place, where it cannot be read.
    """
    reader = _FilterReader(text, list(read_words(text)), fields)
    if not reader.words:
        raise FilterError(text, len(text), "it is empty")
    matcher = reader.read_alternatives(0)
    rest = reader.peek_word()
    if rest is not None and rest.text == ")":
        raise reader.build_error("nothing opens this bracket")
    if rest is not None:
        raise reader.build_error(f"`and` or `or` is missing before `{rest.text}`")
    return ParsedFilter(matcher, tuple(reader.asked), text, tuple(reader.bare))


@dataclass(slots=True)
class _FilterReader(Generic[Subject]):
    """Reads words from left to right; `place` is the next one."""

    text: str
    words: list[FilterWord]
    fields: Mapping[str, FilterField[Subject]]
    place: int = 0
    asked: list[NamedField[Subject]] = field(default_factory=list)
    bare: list[FilterWord] = field(default_factory=list)

    # -- words

    def peek_word(self) -> FilterWord | None:
        return self.words[self.place] if self.place < len(self.words) else None

    def build_error(self, reason: str, word: FilterWord | None = None) -> FilterError:
        """An error at this word, or at the next one, or at the end where there is none."""
        word = word or self.peek_word()
        position = len(self.text.rstrip()) if word is None else word.position
        return FilterError(self.text, position, reason)

    def _take_keyword(self, keyword: str) -> bool:
        word = self.peek_word()
        return self._take_if(word is not None and word.is_keyword(keyword))

    def _take_mark(self, mark: str) -> bool:
        word = self.peek_word()
        return self._take_if(word is not None and word.kind == "mark" and word.text == mark)

    def _take_if(self, is_next: bool) -> bool:
        self.place += is_next
        return is_next

    def _take_word(self, expected: str) -> FilterWord:
        word = self.peek_word()
        if word is None:
            raise self.build_error(f"{expected} is missing at the end")
        if word.kind != "word" or word.text.lower() in _KEYWORDS:
            raise self.build_error(f"{expected} is missing before `{word.text}`")
        self.place += 1
        return word

    # -- the grammar

    def read_alternatives(self, depth: int) -> Matcher[Subject]:
        matchers = [self._read_term(depth)]
        while self._take_keyword("or"):
            matchers.append(self._read_term(depth))
        if len(matchers) == 1:
            return matchers[0]
        return lambda subject: any(matcher(subject) for matcher in matchers)

    def _read_term(self, depth: int) -> Matcher[Subject]:
        matchers = [self._read_factor(depth)]
        while self._take_keyword("and"):
            matchers.append(self._read_factor(depth))
        if len(matchers) == 1:
            return matchers[0]
        return lambda subject: all(matcher(subject) for matcher in matchers)

    def _read_factor(self, depth: int) -> Matcher[Subject]:
        if depth > _DEEPEST:
            raise self.build_error(f"it is nested more than {_DEEPEST} deep")
        if self._take_keyword("not"):
            return _negate_matcher(self._read_factor(depth + 1))
        opening = self.peek_word()
        if not self._take_mark("("):
            return self._read_condition()
        inner = self.read_alternatives(depth + 1)
        if not self._take_mark(")"):
            raise self.build_error("nothing closes this bracket", opening)
        return inner

    def _read_condition(self) -> Matcher[Subject]:
        name = self._take_word("the name of a field")
        named = self._find_named(name)
        self.asked.append(named)
        sign = self.peek_word()
        if sign is not None and sign.kind == "operator":
            self.place += 1
            value = self._take_word(f"a value behind `{sign.text}`")
            return self._compare_field(named, sign.text, value)
        if self._take_keyword("in"):
            return self._read_list(named)
        if [word.text.lower() for word in self.words[self.place : self.place + 2]] == ["not", "in"]:
            self.place += 2
            return _negate_matcher(self._read_list(named))
        return named.build_matcher(_is_yes if named.kind == "flag" else _is_there)

    def _find_named(self, name: FilterWord) -> NamedField[Subject]:
        segments = name.read_segments()
        try:
            return find_field(segments, self.fields)
        except UsageError as error:
            # A text would mean a label or a parameter, and a name alone could be any of them.
            metric = find_metric(segments, self.fields) if self._precedes_number() else None
            if metric is None:
                raise self.build_error(error.message, name) from None
            self.bare.append(name)
            return metric

    def _precedes_number(self) -> bool:
        """Whether a comparison with a number comes next, or a list that begins with one."""
        words = [word for word in self.words[self.place :][:4] if not word.is_keyword("not")]
        if words and words[0].kind == "operator" and words[0].text not in ("~", "!~"):
            # A number is missing behind an order, and the error is about that.
            if words[0].text in _ORDERS and (len(words) == 1 or words[1].text in _KEYWORDS):
                return True
            words = words[1:]
        elif len(words) > 1 and words[0].is_keyword("in") and words[1].text == "(":
            words = words[2:]
        else:
            return False
        return bool(words) and words[0].is_plain and read_number(words[0].text) is not None

    def _read_list(self, field: NamedField[Subject]) -> Matcher[Subject]:
        opening = self.peek_word()
        if not self._take_mark("("):
            raise self.build_error("a list in brackets is missing behind `in`")
        matchers = [self._compare_field(field, EQUAL, self._take_word("a value"))]
        while self._take_mark(","):
            matchers.append(self._compare_field(field, EQUAL, self._take_word("a value")))
        if not self._take_mark(")"):
            raise self.build_error("nothing closes this bracket", opening)
        return lambda subject: any(matcher(subject) for matcher in matchers)

    def _compare_field(
        self, field: NamedField[Subject], sign: str, value: FilterWord
    ) -> Matcher[Subject]:
        sign = _SYNONYMS.get(sign, sign)
        positive = _OPPOSITES.get(sign, sign)
        try:
            test = build_test(field.kind, positive, value.read_value(), is_plain=value.is_plain)
        except UsageError as error:
            raise self.build_error(error.message, value) from None
        matcher = field.build_matcher(test)
        return matcher if positive == sign else _negate_matcher(matcher)


def _negate_matcher(matcher: Matcher[Subject]) -> Matcher[Subject]:
    return lambda subject: not matcher(subject)


def _is_yes(value: object) -> bool:
    return value is True


def _is_there(value: object) -> bool:
    return value not in ("", ())
