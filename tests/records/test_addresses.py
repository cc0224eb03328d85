"""Addresses as records hold them."""

from __future__ import annotations

import json
import re

import pytest

from mlver.document.pattern import translate_for_re
from mlver.errors import UsageError
from mlver.records.addresses import check_url, is_clean_url, is_url
from tests.conftest import CHECKOUT

GOOD = [
    "s3://bucket",
    "s3://bucket/a/b",
    "gs://b.u-c_k/ü x",
    "az://container/a:b",
    "https://example.org",
    "https://example.org:8443/data/ü x",
    "file:///mnt/data",
    "file:///a%20b",
]
BAD = [
    "s3://",
    "s3:///a",
    "s3://bucket//a",
    "s3://bucket/./a",
    "s3://bucket/..",
    "s3://bucket/a?versionId=1",
    "s3://bucket/a#b",
    "s3://bucket/a\nb",
    "file://host/a",
    "file://",
    "file:///",
    "https://",
    "https:///a",
    "https://example.org/a?token=secret",
    "https://example.org/../a",
    "https://example.org:port/a",
    "https://user:secret@example.org/a",
    "http://example.org/a",
    "ssh://host/a",
    "s3://user:secret@bucket/a",
    f"s3://bucket/{'a' * 5000}",
]


@pytest.mark.parametrize("url", GOOD)
def test_an_address_is_taken_as_it_is_but_for_its_end(url: str) -> None:
    assert check_url(url) == check_url(f"{url}/") == url
    scheme, rest = url.split("://")
    assert check_url(f"{scheme.upper()}://{rest}") == url
    assert is_url(url)
    assert is_clean_url(url)


@pytest.mark.parametrize("url", BAD)
def test_others_are_refused(url: str) -> None:
    assert is_url(url)
    assert not is_clean_url(url)
    with pytest.raises(UsageError) as refused:
        check_url(url)
    assert "secret" not in refused.value.message


def test_a_path_is_no_address() -> None:
    assert not any(map(is_url, ("data/train", "a:b", "C:\\data", "", "://x")))


@pytest.mark.parametrize("url", [*GOOD, *BAD, "data/train", "s3://bucket/a\n"])
@pytest.mark.parametrize("kind", ["version", "evaluation"])
def test_the_schema_says_the_same(kind: str, url: str) -> None:
    schema = json.loads((CHECKOUT / f"schemas/{kind}.schema.json").read_text())
    rule = schema["$defs"]["url"]
    accepts = re.search(translate_for_re(rule["pattern"]), url, re.ASCII) is not None
    assert (accepts and len(url) <= rule["maxLength"]) == is_clean_url(url)
