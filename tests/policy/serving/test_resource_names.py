from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.serving.resource_names import name_model, name_role, name_version
from mlver.version import Version, parse_version
from tests.policy.serving.served_targets import MODELS

LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
SMALL = st.integers(0, 3) | st.integers(0, 10**12)
PRERELEASES = st.sampled_from((None, "rc.1", "rc-1", "RC.1", "0", "1.0", "a", "rc.1.0", "-"))
VERSIONS = st.builds(Version, SMALL, SMALL, SMALL, PRERELEASES)
NAMES = st.sampled_from(("digits", "digits-1", "digits-1-0", "digits.1", "Digits")) | MODELS


@pytest.mark.parametrize(
    ("model", "version", "name"),
    [
        ("digits", "1.2.0", "digits-1-2-0"),
        ("digits", "1.2.0-rc.1", "digits-1-2-0-rc-1"),
        ("digits", "1.2.0-rc-1", "digits-1-2-0-rc-1-x848f05a4"),
        ("Digits", "1.2.0", "digits-1-2-0-xcbd4fda8"),
        ("7b.chat", "1.2.0", "m-7b-chat-1-2-0-x6d8198f2"),
    ],
)
def test_a_version_is_a_dns_label(model: str, version: str, name: str) -> None:
    assert name_version(model, parse_version(version)) == name


@given(st.lists(st.tuples(NAMES, VERSIONS), min_size=2, max_size=8, unique=True))
def test_two_versions_never_share_a_name(versions: list[tuple[str, Version]]) -> None:
    names = [name_version(model, version) for model, version in versions]
    assert len(set(names)) == len(names)
    for model, _ in versions:
        names += [name_role(model, "stable"), name_model(model)]
    assert all(LABEL.fullmatch(name) for name in names)
