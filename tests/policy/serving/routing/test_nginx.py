from __future__ import annotations

import pytest

from mlver.policy.serving.rendering import ServingOptions
from tests.policy.serving.routing.targets import make_target, render_routes


def render_texts(
    percent: float = 10, name: str = "host", options: ServingOptions | None = None
) -> tuple[str, str]:
    target = make_target("shadow" if percent == 0 else "canary", percent, name=name)
    http, server = render_routes("nginx", target, options=options).values()
    assert isinstance(http, str)
    assert isinstance(server, str)
    return http, server


@pytest.mark.parametrize(
    ("percent", "parts"),
    [
        (0.01, "    0.01% canary;\n    * stable;\n"),
        (12.5, "    12.50% canary;\n    * stable;\n"),
        (99.99, "    99.99% canary;\n    * stable;\n"),
        (100, "    * canary;\n"),
    ],
)
def test_a_share_becomes_a_part_of_the_split(percent: float, parts: str) -> None:
    assert f"_role {{\n{parts}}}\n" in render_texts(percent)[0]


def test_names_that_differ_in_signs_alone_have_other_variables() -> None:
    names = ["a-b", "a_b", "a.b", "A-b", "a" * 62, "a" * 63]
    variables = {
        render_texts(name=name)[0].partition("_role {")[0].rpartition("$")[2] for name in names
    }
    assert len(variables) == len(names)
    # nginx's table of variables has room for 46 bytes, with `_answering` behind it.
    assert max(map(len, variables)) <= 36


@pytest.mark.parametrize(("options", "seconds"), [({}, 2), ({"shadow_seconds": 30}, 30)])
def test_a_shadow_may_take_so_long(options: ServingOptions, seconds: int) -> None:
    assert f"    proxy_read_timeout {seconds}s;\n" in render_texts(0, options=options)[1]


def test_a_prefix_names_the_location() -> None:
    assert "\nlocation /v1/digits {\n" in render_texts(options={"prefix": "/v1/digits"})[1]
