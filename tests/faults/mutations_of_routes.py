"""The mutations of what a proxy is told; see `mutations.py`.

A text of the repository that becomes a directive, and a share that is another one than the
rollout's.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation

_PLAN = "policy.serving.routing.plan"
_UPSTREAMS = "policy.serving.routing.upstreams"
_TESTS = "tests/policy/serving/routing"
_INJECTION = f"{_TESTS}/test_injection.py"
_PROXIES = f"{_TESTS}/test_proxies.py"

ROUTE_MUTATIONS = (
    Mutation(f"{_PLAN}:plan_routes", "_NAME.fullmatch(...) is None", "False", "tests", _INJECTION),
    Mutation(
        f"{_PLAN}:_find_header",
        "len(header) > _MAX_HEADER or _HEADER.fullmatch(header) is None",
        "len(header) > _MAX_HEADER",
        "tests",
        _INJECTION,
    ),
    Mutation(
        f"{_PLAN}:_write_version", "parse_canonical(text) is None", "False", "tests", _INJECTION
    ),
    Mutation(
        f"{_UPSTREAMS}:parse_upstream",
        "_SOCKET.fullmatch(path) is not None",
        "True",
        "tests",
        _INJECTION,
    ),
    Mutation(
        f"{_UPSTREAMS}:_is_host",
        "len(text) > _MAX_HOST or _HOST.fullmatch(text) is None",
        "len(text) > _MAX_HOST",
        "tests",
        _INJECTION,
    ),
    Mutation(
        "policy.serving.layout_options:read_options",
        "not option.accepts(value)",
        "False",
        "tests",
        _INJECTION,
    ),
    Mutation(
        f"{_PLAN}:_count_points",
        'share is None or share.strategy == "shadow"',
        "share is None",
        "tests",
        f"{_TESTS}/test_plan.py",
    ),
    Mutation(
        "policy.serving.routing.haproxy:render_haproxy",
        "weights = (1, 0)",
        "weights = (1, 1)",
        "tests",
        _PROXIES,
    ),
    Mutation(
        "policy.serving.routing.envoy:_build_routes",
        "routes.insert(0, _1)",
        "routes.append(_1)",
        "tests",
        _PROXIES,
    ),
    Mutation(
        "policy.serving.routing.gateway_api:_build_rule",
        "[_1 for role, weight in shares.items() if weight]",
        "[_1 for role, weight in shares.items()]",
        "tests",
        f"{_TESTS}/test_gateway_api.py",
    ),
)
