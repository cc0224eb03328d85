"""A person's settings, changed: what they wrote stays, and what is read back is what was wanted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.document import codec
from mlver.document.amend import amend_document
from mlver.errors import InvalidDocument

TEXT = b"""\
# Ask Kim before you change anything here.

schema: mlver/model/1
model: digits   # as in the paper
owner: 'Kim # 1'

# where the weights are
weights:
    path: model    # a folder
    license: MIT
data:
  train: {path: data/train}
  # never train on this one
  golden:
    path: golden.jsonl
    stored: false
params:
- params.yaml
metrics: [metrics.json]
directions: {accuracy: higher}
# the end
"""


def told(**changes: Any) -> dict[str, Any]:
    return {**codec.decode_document("model", TEXT, "old"), **changes}


def changed(new: dict[str, Any]) -> list[tuple[str, str]]:
    """The lines that differ, as (old, new), where both have as many."""
    after = amend_document("model", TEXT, new)
    assert codec.decode_document("model", after, "new") == new
    pairs = zip(TEXT.decode().splitlines(), after.decode().splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def test_nothing_changes_where_nothing_is_to_change() -> None:
    spelt = told(weights={"path": "model", "stored": True, "license": "MIT"})
    assert amend_document("model", TEXT, told()) == amend_document("model", TEXT, spelt) == TEXT


def test_one_line_changes_where_one_value_does() -> None:
    assert changed(told(weights={"path": "models/new", "license": "MIT"})) == [
        ("    path: model    # a folder", "    path: models/new    # a folder")
    ]
    data = told()["data"]
    assert changed(told(data={**data, "golden": {"path": "new", "stored": False}})) == [
        ("    path: golden.jsonl", "    path: new")
    ]


def test_what_is_new_comes_in_its_place_and_what_goes_leaves_the_rest() -> None:
    new = told(
        command="python train.py",
        data={**told()["data"], "test": {"path": "t"}},
        params=["a.yaml", "b.toml"],
    )
    del new["owner"]
    text = amend_document("model", TEXT, new).decode()
    assert codec.decode_document("model", text.encode(), "new") == new
    assert text == TEXT.decode().replace("owner: 'Kim # 1'\n", "").replace(
        "    stored: false\n", "    stored: false\n  test:\n    path: t\n"
    ).replace("- params.yaml\n", "  - a.yaml\n  - b.toml\n").replace(
        "higher}\n", "higher}\ncommand: python train.py\n"
    )


def test_a_layout_of_another_kind_is_written_anew_below_its_heading() -> None:
    text = b'# Ask Kim\n{"schema": "mlver/model/1",\n "model": "m"}\n'
    wanted = {"schema": "mlver/model/1", "model": "m", "owner": "Lee"}
    assert (
        amend_document("model", text, wanted)
        == b"# Ask Kim\nschema: mlver/model/1\nmodel: m\nowner: Lee\n"
    )


def test_where_there_was_nothing_to_keep_it_is_written_as_ever() -> None:
    wanted = {"schema": "mlver/model/1", "model": "m"}
    assert (
        amend_document("model", None, wanted)
        == amend_document("model", b"\xff", wanted)
        == codec.encode_document("model", wanted)
    )
    with pytest.raises(InvalidDocument):
        amend_document("model", TEXT, {"schema": "mlver/model/1"})


WORDS = st.sampled_from(
    ["a", "a b", "x: y", "'q'", '"', "# c", "1.0", "no", "ü/ö", "line\nline", "x #y"]
)
PATHS = st.sampled_from(["w", "a b/c", "#x", "x #y", "true", "1", "ü", "it's", "a: b"])
ARTIFACTS = st.fixed_dictionaries(
    {"path": PATHS}, optional={"stored": st.booleans(), "batch": PATHS}
)
SETTINGS = st.fixed_dictionaries(
    {"schema": st.just("mlver/model/1"), "model": st.just("m")},
    optional={
        "description": WORDS,
        "owner": PATHS,
        "weights": ARTIFACTS,
        "data": st.dictionaries(
            st.sampled_from(["train", "test", "golden"]), ARTIFACTS, max_size=3
        ),
        "params": st.lists(PATHS, max_size=2),
        "directions": st.dictionaries(
            st.sampled_from(["a", "b.c", "#d"]), st.sampled_from(["higher", "lower"])
        ),
        "command": WORDS,
    },
)
REMARKS = st.lists(st.sampled_from(["", "# remark", "  # indented", "# it's: {a]"]), max_size=2)


@given(old=SETTINGS, new=SETTINGS, data=st.data())
def test_what_is_read_back_is_what_was_wanted(
    old: dict[str, Any], new: dict[str, Any], data: st.DataObject
) -> None:
    lines: list[str] = []
    for line in codec.encode_document("model", old).decode().splitlines():
        lines += [*data.draw(REMARKS), line]
    text = "\n".join(lines) + "\n"
    try:
        if codec.decode_document("model", text.encode(), "old") != old:
            return  # a remark fell into a text of several lines
    except InvalidDocument:
        return
    after = amend_document("model", text.encode(), new)
    read = codec.decode_document("model", after, "new")
    for artifact in (read.get("weights", {}), *read.get("data", {}).values()):
        artifact.setdefault("stored", True)
    for artifact in (new.get("weights", {}), *new.get("data", {}).values()):
        artifact.setdefault("stored", True)
    assert read == new
    assert amend_document("model", after, new) == after
