"""Params and metrics from files in their formats, and from the command line."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlver.document.values import assign_value, load_values, parse_scalar
from mlver.errors import BOTH_SIDES, InvalidDocument, UsageError

SAME = {
    ".yaml": b"lr: 1e-3\nopt: {name: adam, betas: [0.9, 0.999], amsgrad: false}\nn: 3\n",
    ".json": b'{"lr": 1e-3, "n": 3,'
    b' "opt": {"name": "adam", "betas": [0.9, 0.999], "amsgrad": false}}',
    ".toml": b'lr = 1e-3\nn = 3\n[opt]\nname = "adam"\nbetas = [0.9, 0.999]\namsgrad = false\n',
}


# Ten names, each of which repeats the one before it ten times, and a hundred, each around the last.
LAUGHS = b"a0: &a0 [lol]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 11)
)
TALL = b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 101))


def test_yaml_as_training_code_writes_it() -> None:
    data = b"""\
defaults: &defaults {lr: 0.1, steps: [1, 2], opt: &opt {name: adam}}
more: &more {lr: 0.5, width: 64}
small:
  <<: *defaults
  lr: 0.01
both: {<<: [*more, *defaults], width: 32}
again: *opt
names: {0: cat, 1.5: dog, true: yes, null: none, "<<": quoted}
rate: &rate 1e-3
rates: [*rate, *rate]
"""
    values = load_values(".yaml", data, "params.yaml")
    assert values["small"] == {"lr": 0.01, "steps": [1, 2], "opt": {"name": "adam"}}
    assert values["both"] == {"lr": 0.5, "steps": [1, 2], "opt": {"name": "adam"}, "width": 32}
    assert values["again"] == {"name": "adam"}
    assert values["names"] == {
        "0": "cat",
        "1.5": "dog",
        "true": "yes",
        "null": "none",
        "<<": "quoted",
    }
    assert values["rates"] == [0.001, 0.001]
    values["small"]["opt"]["name"] = "sgd"
    assert values["again"] == values["defaults"]["opt"] == {"name": "adam"}


@given(st.lists(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text()), min_size=1))
def test_aliases_say_the_same_as_copies(groups: list[dict[str, Any]]) -> None:
    # PyYAML writes an alias wherever the same object comes again.
    data = {"first": groups, "again": groups, "nested": {"inner": groups[0]}}
    text = yaml.safe_dump(data)
    assert load_values(".yaml", text.encode(), "params.yaml") == json.loads(json.dumps(data))


def test_of_growing_files_the_last_line_counts() -> None:
    lines = b'{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": 0.25, "note": "a\xe2\x80\xa8b"}\n\n'
    expected = {"epoch": 2, "loss": 0.25, "note": "a\u2028b"}
    assert load_values(".jsonl", lines, "log.jsonl") == expected
    rows = b'epoch, loss,"best, so far",note\r\n1,0.5,,a\r\n2,.25,0x10,\r\n\r\n'
    expected = {"epoch": 2, "loss": 0.25, "best, so far": 16}
    assert load_values(".csv", rows, "log.csv") == expected


@pytest.mark.parametrize("suffix", SAME)
def test_three_formats_say_the_same(suffix: str) -> None:
    expected = {
        "lr": 0.001,
        "opt": {"name": "adam", "betas": [0.9, 0.999], "amsgrad": False},
        "n": 3,
    }
    assert load_values(suffix, SAME[suffix], "params") == expected
    assert load_values(suffix.upper(), b"\xef\xbb\xbf" + SAME[suffix], "params") == expected


def test_toml_dates_become_text() -> None:
    data = b"a = 2026-11-21\nb = 2026-11-21T03:04:05Z\nc = [07:30:00]\n"
    assert load_values(".toml", data, "p") == {
        "a": "2026-11-21",
        "b": "2026-11-21T03:04:05+00:00",
        "c": ["07:30:00"],
    }


@pytest.mark.parametrize(
    ("suffix", "data", "fault"),
    [
        (".json", b'{"a": NaN}', "`NaN` is not a finite number"),
        (".json", b'{"a": -Infinity}', "not a finite number"),
        (".json", b'{"a": 1e999}', "not a finite number"),
        (".json", b'{"a": ' + b"1" * 5000 + b"}", "too long"),
        (".json", b'{"a": {"b": 1, "b": 2}}', "`b` is given twice"),
        (".json", b'{"a": 1,\n"b" 2}', "line 2, column 5"),
        (".json", b"[" * 200_000, "nested more than 64 deep"),
        (".json", b'{"a": "\\ud800"}', "no Unicode character"),
        (".json", b"[1]", "must hold a map"),
        (".json", b"\xff", "not UTF-8"),
        (".toml", b"a = nan", "not a finite number"),
        (".toml", b"a = inf", "not a finite number"),
        (".toml", b"a = 1e999", "not a finite number"),
        (".toml", b"a = " + b"1" * 5000, "an integer"),
        (".toml", b"a = 0x" + b"f" * 5000, "an integer"),
        (".toml", b"a = 1\na = 2\nb = 3", "line 2"),
        (".toml", b"#" * 1_048_577, "bytes are too many"),
        (".toml", b"a = " + b"[" * 200_000, "nested more than 64 deep"),
        (".toml", b".".join([b"a"] * 200_000) + b" = 1", "a name of more than 64 parts"),
        (".toml", b".".join([b'"a"'] * 200) + b" = 1", "a name of more than 64 parts"),
        (".toml", b"[" + b" . ".join([b"a"] * 200) + b"]", "a name of more than 64 parts"),
        (".yaml", b"a: .nan", "line 1: a: `.nan`"),
        (".yml", b"- 1", "must hold a map"),
        (".yaml", b"a: *x", "line 1: a: `*x`: nothing above is named `&x`"),
        (".yaml", b"a: &x [*x]", "a[0]: `*x`: nothing above is named `&x`"),
        (".yaml", b"a: {<<: 1}", "a: `<<` takes a map, or a list of maps"),
        (".yaml", b"a: {<<: [{b: 1}, 2]}", "a: `<<` takes a map, or a list of maps"),
        (".yaml", b"1: a\n'1': b", "line 2: 1: given twice in the same map"),
        (".yaml", b"[a]: 1", "a key is a map, a list or an alias"),
        (".yaml", b"a: !!python/object:os.system {}", "the tag"),
        (".yaml", LAUGHS, "aliases repeat too much"),
        (".yaml", TALL, "nested more than 64 deep"),
        (".jsonl", b"", "the file is empty; write values to it"),
        (".json", b" \n", "the file is empty; write values to it"),
        (".csv", b"\n\n", "the file is empty; write values to it"),
        (".jsonl", b'{"a": 1}\n{"a": NaN}\n', "line 2: `NaN` is not a finite number"),
        (".ndjson", b'{"a": 1}\n{"a": 1, "a": 2}\n\n', "line 2: `a` is given twice"),
        (".jsonl", b"[1]", "must hold a map"),
        (".csv", b"", "the file is empty; write values to it"),
        (".csv", b"a,b\n", "line 1: it has a line of names, and none of values"),
        (".csv", b"a,b\n1,2,3\n", "line 2: the last row has 3 cells, and the first 2 names"),
        (".csv", b"a, a\n1,2\n", "`a` is given twice"),
        (".csv", b"a\nnan\n", "line 2: `nan` is not a finite number"),
        (".csv", b'a\n"1\n', "unexpected end of data"),
    ],
)
def test_refused(suffix: str, data: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        load_values(suffix, data, "params" + suffix)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".json", b'"' + b'\\"' * 2_000_000),
        (".json", b'{"a": "' + b"[" * 4_000_000),
        (".toml", b"a" * 1_000_000),
        (".toml", b"a " * 500_000),
        (".toml", b"a.b.c " * 170_000),
        (".toml", b'"""' * 340_000),
    ],
)
def test_hostile_files_fail_fast(suffix: str, data: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidDocument):
        load_values(suffix, data, "params")
    assert time.process_time() - begun < 3


def test_brackets_inside_text_are_not_depth() -> None:
    assert load_values(".json", json.dumps({"a": "[" * 100 + '\\"' + "{" * 100}).encode(), "p")
    assert load_values(".toml", b"# " + b"'[" * 100 + b"\na = 1", "p") == {"a": 1}


def test_other_suffixes_are_refused_with_those_that_work() -> None:
    with pytest.raises(UsageError, match=r"\.toml"):
        load_values(".txt", b"", "params.txt")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1e-3", -0.001),
        ("true", True),
        ("null", None),
        ('"3"', "3"),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("adam", "adam"),
        ("", ""),
        ("012", 12),
        (".9", 0.9),
        ("-.5", -0.5),
        ("+0.5", 0.5),
        ("5.", 5.0),
        ("0x10", 16),
        ("1_000", "1_000"),
        ("~", "~"),
        ("1.2.0", "1.2.0"),
        ("True", "True"),
        ('"nan"', "nan"),
        ("nano", "nano"),
        ("[1,", "[1,"),
    ],
)
def test_parse_scalar(text: str, value: Any) -> None:
    read = parse_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "NaN",
        "-inf",
        "+Infinity",
        ".nan",
        "-.Inf",
        " nan ",
        "1e999",
        "[NaN]",
        '{"a":1,"a":2}',
        "1" * 5000,
    ],
)
def test_parse_scalar_refuses_what_no_record_can_hold(text: str) -> None:
    with pytest.raises(UsageError, match="if you mean the text, quote it twice"):
        parse_scalar(text)


def test_what_parse_scalar_suggests_works() -> None:
    with pytest.raises(UsageError) as caught:
        parse_scalar("nan")
    assert parse_scalar(caught.value.message.split("'")[1]) == "nan"


@given(st.text() | st.text(alphabet='[]{}":,1e9.-natu\\\ud800'))
def test_parse_scalar_returns_or_refuses(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_scalar(text)


def test_assign_makes_the_maps_on_the_way() -> None:
    values: dict[str, Any] = {"lr": 1}
    assign_value(values, "opt.name", "adam")
    assign_value(values, "opt.lr", 2)
    assign_value(values, "lr", 3)
    assert values == {"lr": 3, "opt": {"name": "adam", "lr": 2}}


@pytest.mark.parametrize("name", ["lr.x", "opt", "", ".a", "a.", "a..b"])
def test_assign_refuses_clashes_and_changes_nothing(name: str) -> None:
    values: dict[str, Any] = {"lr": 1, "opt": {"name": "adam"}}
    with pytest.raises(UsageError):
        assign_value(values, name, 1)
    assert values == {"lr": 1, "opt": {"name": "adam"}}


def test_both_sides_of_a_merge_are_named_and_no_syntax() -> None:
    data = b"<<<<<<< HEAD\nlr: 0.1\n=======\nlr: 0.2\n>>>>>>> other\n"
    with pytest.raises(InvalidDocument) as refused:
        load_values(".yaml", data, "params.yaml")
    assert refused.value.faults == (BOTH_SIDES,)
    assert refused.value.hint == "git status"
