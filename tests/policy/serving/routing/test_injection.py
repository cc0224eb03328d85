"""Whatever the repository says, a proxy reads the same directives, with other words in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlver.errors import MlverError
from mlver.policy.serving.rendering import RenderedFile, RenderedFiles
from mlver.policy.serving.routes import ROUTES
from mlver.version import Version
from tests.conftest import try_examples
from tests.policy.serving.routing.targets import make_target, render_routes

_WORD = re.compile(r"[A-Za-z0-9._:/~@\[\]-]+", re.ASCII)
_OPTIONS = {
    "nginx": ("prefix",),
    "haproxy": (),
    "envoy": ("prefix",),
    "gateway-api": ("prefix", "gateway", "host", "name", "namespace"),
}
_GOOD = {"prefix": "/v1", "gateway": "g", "host": "a.example", "name": "n", "namespace": "s"}
_ATTACKS = (
    "x; } server { listen 0.0.0.0:80",
    'x" { }',
    "x\nserver evil 10.0.0.1:80",
    "x\r\nX-Evil: 1",
    "$http_host",
    "${HOME}",
    "x\\",
    "x # y",
    "x'y",
    "x`id`",
    "%[env(SECRET)]",
    "x\u2028y",
    "x\0y",
    "{version}",
    "../../etc/passwd",
    "x y",
    "*",
    "é",
)
_TEXTS = (
    st.sampled_from(_ATTACKS)
    | st.text(max_size=20)
    | st.text(alphabet='ab1.-_/:~{}[]\n "$;#\\', max_size=12)
)


def list_texts(file: object) -> Iterator[str]:
    if isinstance(file, str):
        yield file
    elif isinstance(file, Mapping):
        for value in file.values():
            yield from list_texts(value)
    elif isinstance(file, Sequence):
        for value in file:
            yield from list_texts(value)


def describe_shape(file: RenderedFile) -> Any:
    """What a proxy makes of a file, whatever its words are."""
    if isinstance(file, str):
        return _WORD.sub("w", file)
    texts = list(list_texts(file))
    # Any host, and no value of a header.
    assert all(text in {"*", ""} or _WORD.fullmatch(text) for text in texts)
    return len(texts)


def describe_shapes(files: RenderedFiles) -> list[Any]:
    return [describe_shape(file) for file in files.values()]


def render_with(kind: str, words: Mapping[str, str]) -> RenderedFiles:
    """Routes in which all that comes from others is one of these words."""
    strategy: Any = "canary" if kind == "gateway-api" else "ab"
    target = make_target(
        strategy,
        10,
        header=words["header"],
        name=words["target"],
        canary=Version(1, 2, 0, prerelease=words["version"]),
    )
    options = {key: words[key] for key in _OPTIONS[kind]}
    upstreams = {"stable": words["stable"], "canary": words["canary"]}
    return render_routes(kind, target, upstreams, options)


def make_good_words() -> dict[str, str]:
    address = "service:80"
    words = {"target": "a", "header": "X-User", "version": "rc.1"}
    return {**words, **_GOOD, "stable": address, "canary": address}


@pytest.mark.parametrize("kind", ROUTES)
@given(data=st.data())
@try_examples(150)
def test_no_word_becomes_a_directive(kind: str, data: st.DataObject) -> None:
    good = make_good_words()
    key = data.draw(st.sampled_from(sorted(good)))
    attack = data.draw(_TEXTS)
    forms = [attack, f"{good[key]}{attack}", f"{attack}{good[key]}"]
    if key in {"stable", "canary"} and kind != "gateway-api":
        forms.append(f"unix:/run/{attack}")
    word = data.draw(st.sampled_from(forms))
    try:
        files = render_with(kind, {**good, key: word})
    except MlverError:
        return
    assert describe_shapes(files) == describe_shapes(render_with(kind, good))


@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("attack", _ATTACKS)
def test_attacks_are_refused_wherever_they_stand(kind: str, attack: str) -> None:
    good = make_good_words()
    unused = {"header"} if kind == "gateway-api" else set(_GOOD) - set(_OPTIONS[kind])
    for key in good.keys() - unused:
        with pytest.raises(MlverError):
            render_with(kind, {**good, key: good[key] + attack})


@given(st.text(max_size=30))
@example("mlver\n")
def test_an_unknown_option_is_named(key: str) -> None:
    for kind, known in _OPTIONS.items():
        if key not in known and key != "shadow_seconds":
            with pytest.raises(MlverError, match=f"the kind of routes {kind} has no option"):
                render_routes(kind, make_target(), options={key: "x"})


@pytest.mark.parametrize("value", [True, 0, 0.5, "2", "2s; }"])
def test_an_option_that_is_no_number_is_refused(value: bool | float | str) -> None:
    with pytest.raises(MlverError, match="the option `shadow_seconds` of the kind of routes nginx"):
        render_routes("nginx", make_target("shadow", 0), options={"shadow_seconds": value})


@pytest.mark.parametrize("value", [True, 5, 0.5])
def test_an_option_that_is_no_text_is_refused(value: bool | float) -> None:
    with pytest.raises(MlverError, match="the option `prefix` of the kind of routes nginx cannot"):
        render_routes("nginx", make_target(), options={"prefix": value})
