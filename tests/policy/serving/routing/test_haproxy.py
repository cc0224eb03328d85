from __future__ import annotations

import re

import pytest

from mlver.errors import MlverError
from tests.policy.serving.routing.targets import make_target, render_routes


@pytest.mark.parametrize(
    ("percent", "weights"),
    [
        (0, (100, 0)),
        (10, (90, 10)),
        (12.5, (7, 1)),
        (0.5, (199, 1)),
        (99.5, (1, 199)),
        (100, (0, 100)),
    ],
)
def test_a_share_becomes_weights(percent: float, weights: tuple[int, int]) -> None:
    (text,) = render_routes("haproxy", make_target("canary", percent)).values()
    assert isinstance(text, str)
    assert tuple(map(int, re.findall(r"weight (\d+)", text))) == weights


@pytest.mark.parametrize("percent", [0.01, 0.1, 12.34])
def test_a_share_that_no_weights_make_is_refused(percent: float) -> None:
    with pytest.raises(MlverError, match=f"no two of them make {percent:g} %") as raised:
        render_routes("haproxy", make_target("canary", percent))
    assert "the strategy ab, or routes of another kind" in raised.value.message
    assert render_routes("haproxy", make_target("ab", percent, header="X-User-Id"))


def test_a_shadow_is_refused_with_the_alternatives() -> None:
    with pytest.raises(MlverError, match="HAProxy cannot copy requests") as raised:
        render_routes("haproxy", make_target("shadow", 0))
    assert "routes of the kind nginx, envoy or gateway-api" in raised.value.message
