from __future__ import annotations

import dataclasses
import re

import pytest

from mlver.errors import MlverError
from mlver.policy.serving.rendering import RouteTarget
from mlver.policy.serving.routing.plan import RoutePlan, plan_routes
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget
from tests.policy.serving.routing.targets import UPSTREAMS, make_target


def plan(target: ServedTarget, **upstreams: str) -> RoutePlan:
    routes = RouteTarget(file="routes/x", upstreams=upstreams or UPSTREAMS, options={})
    return plan_routes("haproxy", target, routes)


@pytest.mark.parametrize(
    ("percent", "points", "weights"),
    [
        (0, 0, (100, 0)),
        (0.01, 1, (9_999, 1)),
        (0.07, 7, (9_993, 7)),
        (10, 1_000, (90, 10)),
        (12.5, 1_250, (8_750, 1_250)),
        (99.99, 9_999, (1, 9_999)),
        (100, 10_000, (0, 100)),
    ],
)
def test_a_share_is_counted_in_hundredths_of_a_percent(
    percent: float, points: int, weights: tuple[int, int]
) -> None:
    planned = plan(make_target("canary", percent))
    assert (planned.points, planned.weights) == (points, weights)


def test_without_a_candidate_a_share_means_nothing() -> None:
    planned = plan(make_target("canary", 50, canary=None))
    assert planned.points == 0
    assert planned.canary_version is None
    assert planned.canary == Upstream(host="127.0.0.1", port=9002)


def test_a_shadow_answers_nothing() -> None:
    planned = plan(make_target("shadow", 50))
    assert (planned.points, planned.has_shadow) == (0, True)


def test_an_address_may_have_the_version_in_it() -> None:
    address = "digits-{version}:8080"
    planned = plan(make_target(), stable=address, canary=address)
    assert planned.stable.host == "digits-1-1-0"
    assert planned.canary is not None
    assert planned.canary.host == "digits-1-2-0"


def test_an_address_by_version_waits_for_a_version() -> None:
    address = "digits-{version}:8080"
    assert plan(make_target(canary=None), stable=address, canary=address).canary is None
    empty = dataclasses.replace(make_target(canary=None), stable=None)
    assert plan(empty).stable_version is None
    with pytest.raises(MlverError, match=r"production-host has no stable version"):
        plan(empty, stable=address)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (make_target("canary", float("nan")), "the share of production-host is nan %"),
        (make_target("canary", float("inf")), "is inf %, which is not 0 to 100"),
        (make_target("canary", -1), "is -1 %, which is not 0 to 100"),
        (make_target("canary", 100.01), "is 100.01 %, which is not 0 to 100"),
        (make_target("canary", 0.001), "proxies count in hundredths of a percent"),
        (make_target("blue-green", 50), "blue-green with a share of 50 %"),
        (make_target("ab", 10), "names no header that tells users apart"),
        (make_target("ab", 10, header="X_User"), "X_User, which is no name of a header"),
        (make_target("ab", 10, header="X-User\n"), r"X-User\n, which is no name of a header"),
        (make_target("ab", 10, header="X" * 65), "which is no name of a header"),
        (make_target(name="a b"), "the target a b cannot stand in the settings of a proxy"),
        (make_target(name="a" * 64), "cannot stand in the settings of a proxy"),
        (make_target(name=""), "cannot stand in the settings of a proxy"),
    ],
)
def test_what_cannot_be_served_is_refused(target: ServedTarget, said: str) -> None:
    with pytest.raises(MlverError, match=re.escape(said)):
        plan(target)


@pytest.mark.parametrize(
    ("upstreams", "said"),
    [
        ({"canary": "a:1"}, "requests to production-host have to reach digits 1.1.0"),
        ({"stable": "a:1"}, "requests to production-host have to reach digits 1.2.0"),
        ({"stable": "a"}, "the stable address of production-host is none of a server: a;"),
        ({"stable": "a:1", "canary": "x\x1b:1"}, r"is none of a server: x\x1b:1; give host:port"),
        ({"stable": "{version}{version}:1;"}, "is none of a server"),
    ],
)
def test_an_address_that_is_wrong_or_missing_is_named(upstreams: dict[str, str], said: str) -> None:
    with pytest.raises(MlverError, match=re.escape(said)) as raised:
        plan(make_target(), **upstreams)
    role = "canary" if "a:1" in upstreams.get("stable", "") else "stable"
    address = {"stable": "127.0.0.1:9001", "canary": "127.0.0.1:9002"}[role]
    key = f"deploy.production-host.routes.upstreams.{role}"
    assert raised.value.hint == f"mlver config set {key} {address}"


def test_no_canary_is_needed_for_no_share() -> None:
    assert plan(make_target("canary", 0), stable="a:1").canary is None
