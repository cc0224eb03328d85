"""`MODEL[@SELECTOR]` taken apart: what is read, and what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlver.errors import UsageError
from mlver.selectors import (
    ModelRef,
    VersionSelector,
    is_bare_selector,
    parse_ref,
    parse_selector,
)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("kr2en", ModelRef("kr2en", None)),
        ("kr2en@1.2.0", ModelRef("kr2en", "1.2.0")),
        ("kr2en@v1.2.0-rc.1", ModelRef("kr2en", "v1.2.0-rc.1")),
        ("kr2en@1.2", ModelRef("kr2en", "1.2")),
        ("kr2en@sha256:0123456", ModelRef("kr2en", "sha256:0123456")),
        ("@production", ModelRef(None, "production")),
        ("@production~1", ModelRef(None, "production~1")),
        ("@~1", ModelRef(None, "~1")),
        ("@latest", ModelRef(None, "latest")),
    ],
)
def test_refs(text: str, ref: ModelRef) -> None:
    assert parse_ref(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize(
    "text", ["", "@", "kr2en@", "a@b@c", "-x@1.0.0", "a@--help", "a@HEAD", "a@1 2", "a b@1.0.0"]
)
def test_refs_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ref(text)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("1.2.0", VersionSelector("version", "1.2.0")),
        ("v1.2.0", VersionSelector("version", "1.2.0")),
        ("1.2.0-rc.1", VersionSelector("version", "1.2.0-rc.1")),
        ("1.2", VersionSelector("line", "1.2")),
        ("v0.10", VersionSelector("line", "0.10")),
        ("production", VersionSelector("stage", "production")),
        ("v2", VersionSelector("stage", "v2")),
        ("latest", VersionSelector("latest")),
        ("latest~2", VersionSelector("latest", steps=2)),
        ("~1", VersionSelector("latest", steps=1)),
        ("canary_2~12", VersionSelector("stage", "canary_2", 12)),
        ("sha256:0123456", VersionSelector("digest", "0123456")),
        (f"sha256:{'a' * 64}", VersionSelector("digest", "a" * 64)),
    ],
)
def test_selectors(text: str, selector: VersionSelector) -> None:
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "01.2",
        "1.02",
        "1.2.",
        "1.2.3.4",
        "1.2~1",
        "1.2.0~1",
        "1.2.0+build",
        "~",
        "~0",
        "~01",
        "~1~1",
        "~10000",
        "~\u0661",
        "\u0661.2",
        "production~",
        "production^",
        "Production",
        "a" * 33,
        "sha256:",
        "sha256:012345",
        "sha256:012345G",
        "SHA256:0123456",
        f"sha256:{'a' * 65}",
        "1.2\n",
        "production\n",
        "~1\n",
        "sha256:0123456\n",
        f"{'9' * 10_000}.1",
        "9" * 10_000,
        "~" + "1" * 10_000,
        "\x1b[31m",
        "\u202e1.2",
        "\ud800",
        "--help",
        "../x",
    ],
)
def test_selectors_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_selector(text)
    assert not set("\x1b\u202e\ud800\n") & set(refused.value.message)


_LIKELY = st.text(alphabet="av01.~@:-+^ \nshproductinlaes256\u0661\u202e\ud800", max_size=16)


@given(text=_LIKELY | st.text(max_size=20))
@example("1.2.0-rc..1")
@example("v1.2.0-01")
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for parse in (parse_ref, parse_selector):
        with suppress(UsageError):
            parse(text)


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["", "v"])
)
def test_every_number_is_a_version_and_begins_with_its_line(
    major: int, minor: int, patch: int, prefix: str
) -> None:
    version = f"{major}.{minor}.{patch}"
    assert parse_selector(prefix + version) == VersionSelector("version", version)
    line = f"{major}.{minor}"
    assert parse_selector(prefix + line) == VersionSelector("line", line)


@given(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), st.integers(1, 9999))
def test_every_stage_has_holders_before(stage: str, steps: int) -> None:
    assert parse_selector(f"{stage}~{steps}").steps == steps


@given(text=_LIKELY)
def test_a_bare_selector_is_one_and_no_stage(text: str) -> None:
    if is_bare_selector(text):
        assert parse_selector(text).kind != "stage"
        assert parse_ref(f"@{text}") == ModelRef(None, text)


@pytest.mark.parametrize("text", ["1.2.0", "v1.2", "1.2.0-rc.1", "~1", "sha256:0123456"])
def test_what_does_without_a_model(text: str) -> None:
    assert is_bare_selector(text)


@pytest.mark.parametrize("text", ["production", "latest", "v1", "1", "production~1", "m", "m@1.0"])
def test_what_does_not(text: str) -> None:
    assert not is_bare_selector(text)
