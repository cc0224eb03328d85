"""Protocol buffers in text form, which TensorFlow Serving and Triton read their settings in.

Only as much of the form is read as tells where each field of the outermost message stands:
https://protobuf.dev/reference/protobuf/textformat-spec
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlver.errors import MlverError

_TOKEN = re.compile(
    r"""(?P<space>[\s]+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    |(?P<mark>[{}\[\]<>:,;])
    |(?P<word>[^\s"'\#{}\[\]<>:,;]+)""",
    re.VERBOSE | re.ASCII,
)
_CLOSING = {"{": "}", "[": "]", "<": ">"}
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class ProtoField:
    """A field of the outermost message: its name, and from where to where it stands in the text."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def quote_proto_text(text: str) -> str:
    """A text as a string in quotes; whatever is no printable ASCII becomes an octal escape."""
    quoted = []
    for byte in text.encode():
        letter = chr(byte)
        if letter in '"\\':
            quoted.append(f"\\{letter}")
        else:
            quoted.append(letter if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
    return f'"{"".join(quoted)}"'


def set_proto_fields(text: str, values: Mapping[str, str], where: str) -> str:
    """Give fields of the outermost message these values, written as the form has them.

    A field stays where it stands, and a new one comes last; everything else keeps its bytes.
    Raises MlverError naming `where` for a text that has not this form.
    """
    pieces = []
    place = 0
    written = set()
    for field in find_proto_fields(text, where):
        if field.name not in values:
            continue
        pieces.append(text[place : field.start])
        if field.name not in written:
            pieces.append(values[field.name])
            written.add(field.name)
        place = field.end
    pieces.append(text[place:])
    whole = "".join(pieces)
    if whole and not whole.endswith("\n"):
        whole += "\n"
    added = [value for name, value in values.items() if name not in written]
    return whole + "".join(f"{value}\n" for value in added)


def find_proto_fields(text: str, where: str) -> list[ProtoField]:
    """The fields of the outermost message, in their order.

    Raises MlverError naming `where` and the line of what is wrong.
    """
    tokens = list(_iterate_tokens(text, where))
    fields = []
    place = 0
    while place < len(tokens):
        end = _find_field_end(tokens, place, text, where)
        name = tokens[place].text
        fields.append(ProtoField(name, tokens[place].start, tokens[end - 1].end))
        place = end
    return fields


def _iterate_tokens(text: str, where: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        matched = _TOKEN.match(text, place)
        if matched is None:
            raise _refuse_text(text, place, where, "a string has no end")
        if matched.lastgroup != "space":
            yield _Token(str(matched.lastgroup), matched[0], place, matched.end())
        place = matched.end()


def _find_field_end(tokens: list[_Token], place: int, text: str, where: str) -> int:
    """Where the field that begins at this place ends: the place of the first token behind it."""
    first = tokens[place]
    if first.text == "[":
        place = _skip_brackets(tokens, place, text, where)
    elif first.kind == "word":
        place += 1
    else:
        raise _refuse_text(text, first.start, where, "a field begins with its name")
    if place < len(tokens) and tokens[place].text == ":":
        place += 1
    if place == len(tokens):
        raise _refuse_text(text, first.start, where, "a field has no value")
    place = _skip_value(tokens, place, text, where)
    if place < len(tokens) and tokens[place].text in {",", ";"}:
        place += 1
    return place


def _skip_value(tokens: list[_Token], place: int, text: str, where: str) -> int:
    value = tokens[place]
    if value.text in _CLOSING:
        return _skip_brackets(tokens, place, text, where)
    if value.kind == "text":
        while place < len(tokens) and tokens[place].kind == "text":
            place += 1
        return place
    if value.kind == "word":
        # A minus may stand apart from its number.
        return min(place + (2 if value.text == "-" else 1), len(tokens))
    raise _refuse_text(text, value.start, where, "a field has no value")


def _skip_brackets(tokens: list[_Token], place: int, text: str, where: str) -> int:
    opened: list[str] = []
    first = tokens[place]
    for token in tokens[place:]:
        place += 1
        if token.text in _CLOSING:
            opened.append(_CLOSING[token.text])
        elif token.text in _CLOSING.values() and opened.pop() != token.text:
            raise _refuse_text(text, token.start, where, "a bracket closes another kind")
        if len(opened) > _DEEPEST:
            raise _refuse_text(text, token.start, where, "messages are nested too deeply")
        if not opened:
            return place
    raise _refuse_text(text, first.start, where, "a bracket is not closed")


def _refuse_text(text: str, place: int, where: str, reason: str) -> MlverError:
    line = text.count("\n", 0, place) + 1
    return MlverError(f"{where}, line {line}: {reason}")
