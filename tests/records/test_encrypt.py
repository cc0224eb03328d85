"""Which parameters are secret: by name, by group and by glob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.records.sections.encrypt import SECRET, EncryptSettings, mask_secrets
from mlver.records.values import flatten_values

PARAMS = {"lr": 0.1, "db": {"password": "x", "host": "h"}, "api": {"key": {"a": 1}}}

keys = st.sampled_from(("a", "b", "c.d", "key", ""))
values = st.recursive(
    st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(keys, inner, max_size=3)
)
trees = st.dictionaries(keys, values, max_size=4)
patterns = st.lists(st.sampled_from(("a", "a.*", "*key", "b.a", '"c.d"', "*.b")), max_size=3)


@pytest.mark.parametrize(
    ("pattern", "secret", "public"),
    [
        ("db.password", {"db.password": "x"}, {**PARAMS, "db": {"host": "h"}}),
        ("db", {"db": PARAMS["db"]}, {"lr": 0.1, "api": PARAMS["api"]}),
        ("db.*", {"db.password": "x", "db.host": "h"}, {"lr": 0.1, "api": PARAMS["api"]}),
        ("*.key", {"api.key": {"a": 1}}, {"lr": 0.1, "db": PARAMS["db"]}),
        ("password", {}, PARAMS),
    ],
)
def test_a_name_a_group_or_a_glob_says_what_is_secret(
    pattern: str, secret: Mapping[str, Any], public: Mapping[str, Any]
) -> None:
    split = EncryptSettings(params=(pattern,)).split_params(PARAMS)
    assert split.secret == secret
    assert split.public == public


@given(trees, patterns)
def test_every_value_is_either_public_or_secret(tree: dict[str, Any], names: list[str]) -> None:
    settings = EncryptSettings(params=tuple(names))
    public, secret = settings.split_params(tree)
    assert not settings.split_params(public).secret
    expected = {name for name in flatten_values(tree) if not settings.is_inside(name)}
    # Of a key that holds a dot, `is_inside` may take more for secret, never less.
    assert expected <= set(flatten_values(public))
    assert bool(secret) or public == tree


def test_a_mask_stands_where_the_secret_was() -> None:
    settings = EncryptSettings(params=("db.password", "api"))
    masked = {"lr": 0.1, "db": {"password": SECRET, "host": "h"}, "api": SECRET}
    assert settings.mask_params(PARAMS) == masked
    public, secret = settings.split_params(PARAMS)
    assert mask_secrets(public, secret) == masked


def test_values_that_were_replaced_are_dropped_with_their_group() -> None:
    settings = EncryptSettings(params=("db",))
    assert settings.drop_secret({"db.password": 1, "dbx": 2, "lr": 3}) == {"dbx": 2, "lr": 3}
