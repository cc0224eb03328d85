"""The layout of TensorFlow Serving, read by its own messages and by a double with its rule."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.policy.serving.roles import keep_former
from mlver.policy.serving.served import ServedTarget
from mlver.policy.serving.tensorflow_serving import CONFIG, LAYOUT
from tests.policy.serving.label_server import LabelServer, LabelsRefused
from tests.policy.serving.served_targets import make_target, make_version
from tests.servers.protos import parse_server_config

OLD, NEW, NEXT = 10_000_000_099, 10_001_000_099, 10_002_000_099


def render(former: ServedTarget | None, target: ServedTarget, **options: str) -> list[str]:
    """The text of `models.config` in each step."""
    steps = LAYOUT.render_steps(former, target, options)
    return [str(step[CONFIG]) for step in steps]


def read(text: str) -> tuple[list[int], dict[str, int]]:
    (config,) = parse_server_config(text).model_config_list.config
    return list(config.model_version_policy.specific.versions), dict(config.version_labels)


def wait_until_ready(server: LabelServer, target: ServedTarget) -> int:
    """How long that took."""
    assert LAYOUT.readiness is not None
    for ticks in range(10):
        if LAYOUT.readiness.is_ready(server.describe_status(), target):
            return ticks
        server.tick()
    raise AssertionError("it is never ready")


def test_a_first_version_stands_as_its_own_messages_have_it() -> None:
    (text,) = render(None, make_target("1.0.0", "1.1.0"), mount="/srv/serving/models")
    (config,) = parse_server_config(text).model_config_list.config
    assert config.name == "digits"
    assert config.base_path == "/srv/serving/models/digits"
    assert config.model_platform == "tensorflow"
    assert read(text) == ([OLD, NEW], {"stable": OLD, "canary": NEW})
    assert "--allow_version_labels_for_unavailable_models" in text.partition("model_config_list")[0]
    assert LAYOUT.place_version is not None
    assert LAYOUT.place_version(make_version("1.1.0"), {}) == f"models/digits/{NEW}"


def test_labels_move_after_the_versions_are_loaded() -> None:
    first = make_target("1.0.0")
    second = keep_former(first, make_target("1.1.0"))
    loading, moved = render(first, second)
    assert read(loading) == ([OLD, NEW], {"stable": OLD})
    assert read(moved) == ([OLD, NEW], {"stable": NEW})


def test_moving_again_changes_nothing_and_going_back_is_one_step() -> None:
    first = make_target("1.0.0")
    second = keep_former(first, make_target("1.1.0"))
    moved = render(first, second)[-1]
    assert render(second, keep_former(second, make_target("1.1.0"))) == [moved]
    back = render(second, keep_former(second, make_target("1.0.0")))
    assert [read(text) for text in back] == [
        ([OLD, NEW], {"stable": NEW}),
        ([OLD, NEW], {"stable": OLD}),
    ]
    # The first of the steps is what the server has already.
    assert back[0] == moved


def test_the_old_version_leaves_at_the_next_move() -> None:
    second = keep_former(make_target("1.0.0"), make_target("1.1.0"))
    third = keep_former(second, make_target("1.2.0"))
    assert [read(text)[0] for text in render(second, third)] == [[NEW, NEXT], [NEW, NEXT]]


def test_a_server_takes_every_step_of_a_release_and_of_going_back() -> None:
    server = LabelServer(allows_unavailable=True)
    former: ServedTarget | None = None
    plan = [
        make_target("1.0.0"),
        make_target("1.0.0", "1.1.0"),
        make_target("1.1.0"),
        make_target("1.0.0"),
        make_target("1.2.0"),
    ]
    for wanted in plan:
        target = keep_former(former, wanted)
        first, *others = render(former, target)
        server.reload(first)
        if former is not None:
            assert set(server.labels.values()) <= server.available
        wait_until_ready(server, target)
        for text in others:
            server.reload(text)
        former = target
    assert server.labels == {"stable": NEXT}
    assert server.available == {OLD, NEXT}


def test_a_server_refuses_labels_that_move_at_once() -> None:
    server = LabelServer(allows_unavailable=True)
    (text,) = render(None, make_target("1.0.0"))
    server.reload(text)
    (at_once,) = render(None, make_target("1.1.0", kept=("1.0.0",)))
    with pytest.raises(LabelsRefused, match=f"stable: {NEW}"):
        server.reload(at_once)
    assert server.labels == {"stable": OLD}


def test_a_server_without_the_flag_refuses_labels_when_it_starts() -> None:
    (text,) = render(None, make_target("1.0.0"))
    with pytest.raises(LabelsRefused):
        LabelServer().reload(text)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"model_version_status": None},
        {"model_version_status": [None, 1, {}, {"state": "AVAILABLE"}]},
        {"model_version_status": [{"state": "LOADING", "version": str(OLD)}]},
        {"model_version_status": [{"state": "AVAILABLE", "version": [OLD]}]},
    ],
)
def test_only_a_loaded_version_is_ready(document: dict[str, Any]) -> None:
    assert LAYOUT.readiness is not None
    assert not LAYOUT.readiness.is_ready(document, make_target("1.0.0"))
    assert LAYOUT.readiness.status_path(make_target("1.0.0")) == "/v1/models/digits"


def test_nothing_served_is_no_model() -> None:
    (text,) = render(None, make_target(None))
    assert len(parse_server_config(text).model_config_list.config) == 0
    assert len(parse_server_config(text).ListFields()) == 1


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(MlverError, match="has no option `plattform`; did you mean `platform`"):
        render(None, make_target(), plattform="tensorflow")
