"""What is no profile is refused, and says what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.errors import InvalidDocument
from mlver.records.profile import ColumnProfile, TableProfile

DIGEST = Digest.of_bytes(b"rows")
PROFILE = TableProfile(
    rows=10,
    columns=(
        ColumnProfile(
            name="x",
            type="DOUBLE",
            kind="number",
            count=8,
            missing=1,
            infinite=1,
            mean=1.5,
            variance=0.25,
            quantiles=(1.0, 1.5, 2.0),
        ),
        ColumnProfile(
            name="ü",
            type="VARCHAR",
            kind="category",
            count=10,
            distinct=2,
            categories=(("b", 6), ("a", 4)),
        ),
        ColumnProfile(name="list", type="BIGINT[]", kind="other", count=10),
    ),
)


def test_a_profile_is_read_as_it_was_written() -> None:
    data = PROFILE.to_bytes(DIGEST)
    assert TableProfile.parse(data, "p", DIGEST) == PROFILE
    assert len(data.splitlines()) == 5


def break_profile(change: dict[str, Any], column: int | None = None) -> bytes:
    document = json.loads(PROFILE.to_bytes(DIGEST))
    (document if column is None else document["columns"][column]).update(change)
    return json.dumps(document).encode()


BROKEN = {
    "no JSON": (b"{", "it is no JSON"),
    "deep": (b"[" * 200_000, "it is no JSON"),
    "a list": (b"[]", "its schema is not mlver/profile/1"),
    "newer": (break_profile({"schema": "mlver/profile/2"}), "its schema is not"),
    "other data": (break_profile({"data": str(Digest.of_bytes(b""))}), "it is not of the data"),
    "more": (break_profile({"extra": 1}), "or there is more"),
    "rows": (break_profile({"rows": True}), "`rows` is no count"),
    "other rows": (break_profile({"rows": 11}), "its values are not as many as the 11 rows"),
    "no columns": (break_profile({"columns": []}), "it has 0 columns"),
    "a column": (break_profile({"columns": [1]}), "column 1: it is no map"),
    "a name": (break_profile({"name": 5}, 0), "column 1: `name` or `type`"),
    "a surrogate": (break_profile({"name": "\ud800"}, 0), "column 1: `name` or `type`"),
    "twice": (break_profile({"name": "ü"}, 0), "two columns have the same name"),
    "a kind": (break_profile({"kind": "x"}, 0), "`kind` is none of"),
    "a count": (break_profile({"count": -1}, 0), "is no count"),
    "order": (break_profile({"quantiles": [2.0, 1.0]}, 0), "`quantiles` are no finite numbers"),
    "many": (break_profile({"quantiles": [1.0] * 257}, 0), "`quantiles` is no list of at most"),
    "no mean": (break_profile({"mean": None}, 0), "`mean` or `variance` is no finite number"),
    "NaN": (break_profile({"mean": float("nan")}, 0), "NaN is no number"),
    "spread": (break_profile({"variance": -1.0}, 0), "`variance` is less than 0"),
    "distinct": (break_profile({"distinct": None}, 1), "`distinct` is no count"),
    "pairs": (break_profile({"categories": [["a"]]}, 1), "`categories` are not pairs"),
    "too many": (break_profile({"categories": [["a", 11]]}, 1), "more than there are values"),
    "the same": (break_profile({"categories": [["a", 1], ["a", 1]]}, 1), "twice the same"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_profile_is_refused(case: str) -> None:
    data, message = BROKEN[case]
    with pytest.raises(InvalidDocument, match="p is not valid") as refused:
        TableProfile.parse(data, "p", DIGEST)
    assert message in refused.value.message
