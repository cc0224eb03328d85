"""Settings in text form, read and changed beside what the library of protocol buffers reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError
from mlver.policy.serving.text_proto import (
    find_proto_fields,
    quote_proto_text,
    set_proto_fields,
)
from tests.servers.protos import load_server_config, load_text_format

TEXTS = st.text(max_size=12) | st.sampled_from(('"', "\\", "}", "#", "'", "\n", "a: 1", "é"))


@st.composite
def configs(draw: st.DrawFn) -> Any:
    """Messages of one model; some of its fields are not set."""
    message = load_server_config()().model_config_list.config.add()
    for name in ("name", "base_path", "model_platform"):
        if draw(st.booleans()):
            setattr(message, name, draw(TEXTS))
    for key, number in draw(st.dictionaries(TEXTS, st.integers(-9, 9), max_size=2)).items():
        message.version_labels[key] = number
    policy = message.model_version_policy
    if draw(st.booleans()):
        policy.specific.versions.extend(draw(st.lists(st.integers(0, 9), max_size=3)))
    elif draw(st.booleans()):
        policy.latest.num_versions = draw(st.integers(0, 9))
    return message


@st.composite
def written_configs(draw: st.DrawFn) -> tuple[Any, str]:
    """Messages, and one of the ways to write them."""
    message = draw(configs())
    written = load_text_format().MessageToString(
        message,
        as_one_line=draw(st.booleans()),
        use_short_repeated_primitives=draw(st.booleans()),
        pointy_brackets=draw(st.booleans()),
        force_colon=draw(st.booleans()),
    )
    if draw(st.booleans()):
        written = f"# said: {{ [ \"'\n{written}\n# the end"
    return message, written


@given(written_configs(), TEXTS)
def test_fields_are_set_and_nothing_else_changes(case: tuple[Any, str], name: str) -> None:
    message, written = case
    policy = "model_version_policy { specific { versions: [ 1, 2 ] } }"
    values = {"name": f"name: {quote_proto_text(name)}", "model_version_policy": policy}
    changed = set_proto_fields(written, values, "it")
    message.name = name
    message.model_version_policy.specific.versions[:] = [1, 2]
    assert load_text_format().Parse(changed, type(message)()) == message
    assert set_proto_fields(changed, values, "it") == changed


@given(written_configs())
def test_every_field_is_found(case: tuple[Any, str]) -> None:
    message, written = case
    found = {field.name for field in find_proto_fields(written, "it")}
    assert found == {descriptor.name for descriptor, _ in message.ListFields()}


@given(TEXTS)
def test_a_text_is_quoted_so_that_nothing_gets_out(text: str) -> None:
    quoted = quote_proto_text(text)
    assert quoted.isascii()
    assert "\n" not in quoted
    message = load_server_config()().model_config_list.config.add()
    assert load_text_format().Parse(f"name: {quoted}", message).name == text


def test_what_is_not_changed_keeps_its_bytes() -> None:
    text = "a: 1 # one\nb : 'x' \"y\"; c { d <e: -1> },\n[x.y]: [1, 2]\nd: - 5 e: 6"
    assert set_proto_fields(text, {"c": "c: 2"}, "it") == text.replace(
        "c { d <e: -1> },", "c: 2"
    ) + ("\n")
    assert set_proto_fields("", {"c": "c: 2"}, "it") == "c: 2\n"
    assert set_proto_fields("c: 1 a: 1 c: 2", {"c": "c: 2"}, "it") == "c: 2 a: 1 \n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb { c: 1", "line 2: a bracket is not closed"),
        ("b { c: [ 1 } ]", "line 1: a bracket closes another kind"),
        ("\n}", "line 2: a field begins with its name"),
        ("a: 'x\n'", "line 1: a string has no end"),
        ("a", "line 1: a field has no value"),
        ("a: }", "line 1: a field has no value"),
        ("a: : 1", "line 1: a field has no value"),
        ("'a': 1", "line 1: a field begins with its name"),
        ("a " + "{" * 100_000, "line 1: messages are nested too deeply"),
        ("[" * 65, "line 1: messages are nested too deeply"),
        ('a: "' + "\\" * 99_999, "line 1: a string has no end"),
    ],
)
def test_a_text_of_another_form_is_refused(text: str, fault: str) -> None:
    with pytest.raises(MlverError) as refused:
        set_proto_fields(text, {"name": "name: 1"}, "config.pbtxt")
    assert str(refused.value) == f"config.pbtxt, {fault}"


@given(st.text(alphabet="ab:{}[]<>,;'\"\\#\n -1", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        fields = find_proto_fields(text, "it")
    except MlverError:
        return
    assert all(text[field.start : field.end].startswith(field.name) for field in fields)
