"""The layout of Triton. A real server reads it in tests/features/deploying/test_triton.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.serving.served import ServedTarget, TrafficShare
from mlver.policy.serving.text_proto import find_proto_fields
from mlver.policy.serving.triton import CONFIG, LAYOUT
from tests.policy.serving.served_targets import make_target, make_version

OLD, NEW = 10_000_000_099, 10_001_000_099
OWN_CONFIG = """\
# ours
backend: "python"
max_batch_size: 0
input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
"""


def render(target: ServedTarget, **options: str) -> str:
    (files,) = LAYOUT.render_steps(None, target, options)
    ((path, text),) = files.items()
    assert path == f"models/digits/{CONFIG}"
    return str(text)


def test_what_is_loaded_stands_in_the_version_policy() -> None:
    text = render(make_target("1.0.0", "1.1.0", kept=("0.9.0",)), backend="python")
    assert text == (
        "# mlver wrote this for the target host, and will write it again.\n"
        'name: "digits"\n'
        'backend: "python"\n'
        f"version_policy {{ specific {{ versions: [ 9000099, {OLD}, {NEW} ] }} }}\n"
    )
    assert LAYOUT.place_version is not None
    assert LAYOUT.place_version(make_version("1.1.0"), {}) == f"models/digits/{NEW}"


@pytest.mark.parametrize(
    ("share", "is_loaded"),
    [
        (None, True),
        (TrafficShare(strategy="canary", percent=0.5), True),
        (TrafficShare(strategy="canary", percent=0), False),
        (TrafficShare(strategy="blue-green", percent=0), False),
        (TrafficShare(strategy="shadow", percent=0), True),
    ],
)
def test_a_candidate_without_traffic_is_not_loaded(
    share: TrafficShare | None, is_loaded: bool
) -> None:
    assert (str(NEW) in render(make_target("1.0.0", "1.1.0", share=share))) == is_loaded


def test_a_config_of_the_users_own_keeps_its_bytes() -> None:
    text = render(make_target("1.0.0"), config=OWN_CONFIG)
    policy = f"version_policy {{ specific {{ versions: [ {OLD} ] }} }}\n"
    assert text == f'{OWN_CONFIG}name: "digits"\n{policy}'
    assert render(make_target("1.0.0"), config=text) == text
    other = 'name: "other" version_policy: { latest { num_versions: 2 } } backend: "python"'
    assert render(make_target("1.0.0"), config=other) == (
        f'name: "digits" {policy.strip()} backend: "python"\n'
    )


def test_versions_that_bring_different_configs_are_refused() -> None:
    ours, theirs = OWN_CONFIG, f"{OWN_CONFIG}# theirs\n"
    target = make_target("1.0.0", "1.1.0")
    both = replace(
        target,
        stable=make_version("1.0.0", files={CONFIG: Digest.of_bytes(ours.encode())}),
        canary=make_version("1.1.0", files={CONFIG: Digest.of_bytes(theirs.encode())}),
    )
    with pytest.raises(MlverError, match=r"1\.0\.0 and 1\.1\.0 bring a config\.pbtxt each"):
        render(both, config=ours)
    assert render(both, config=f"{ours}# of the settings\n").startswith("# ours")


def test_a_config_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(MlverError, match=r"the config\.pbtxt of digits, line 2: a bracket"):
        render(make_target(), config="a: 1\nb {")
    assert LAYOUT.render_steps(None, make_target(None), {}) == ({},)


def test_the_one_file_of_the_weights_is_the_model() -> None:
    digest = Digest.of_bytes(b"weights")
    named = make_version("1.0.0", files={'di"gits.onnx': digest})
    target = replace(make_target(), stable=named)
    assert 'default_model_filename: "di\\"gits.onnx"\n' in render(target)
    other = make_version("1.1.0", files={"other.onnx": digest})
    assert "filename" not in render(replace(target, canary=other))
    below = make_version("1.0.0", files={"1/model.onnx": digest})
    assert "filename" not in render(replace(target, stable=below))


@given(st.text(max_size=30))
def test_no_config_changes_what_is_loaded(config: str) -> None:
    try:
        text = render(make_target(), config=config)
    except MlverError:
        return
    fields = find_proto_fields(text, "it")
    policies = [text[each.start : each.end] for each in fields if each.name == "version_policy"]
    assert policies == [f"version_policy {{ specific {{ versions: [ {OLD} ] }} }}"]
