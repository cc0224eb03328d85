"""What the settings say of layouts, by whoever wrote them: nothing of it gets out of its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlver.document.emit import dump_document
from mlver.errors import MlverError
from mlver.policy.serving import compose, kserve, kubernetes, tensorflow_serving, triton
from mlver.policy.serving.layout_options import (
    LayoutOption,
    NumberOption,
    TextOption,
    read_options,
)
from mlver.policy.serving.layouts import LAYOUTS
from tests.conftest import try_examples
from tests.policy.serving.served_targets import make_target
from tests.servers.protos import parse_server_config

OPTIONS: Mapping[str, Mapping[str, LayoutOption]] = {
    "tensorflow-serving": tensorflow_serving.OPTIONS,
    "triton": triton.OPTIONS,
    "kserve": kserve.OPTIONS,
    "kubernetes": kubernetes.OPTIONS,
    "compose": compose.OPTIONS,
}
PLACES = [(layout, key) for layout, options in OPTIONS.items() for key in options]
BREAKING = (
    "\nRUN id",
    ' }\n"',
    '"',
    "'",
    " ",
    "${HOME}",
    "$HOME",
    "`id`",
    "\\",
    "#",
    ": x",
    "/../..",
    "\u2028",
    "\n",
)


@st.composite
def chosen_options(draw: st.DrawFn, layout: str) -> dict[str, Any]:
    """Options that the layout takes."""
    chosen: dict[str, Any] = {}
    for key, option in OPTIONS[layout].items():
        if not option.is_required and not draw(st.booleans()):
            continue
        if isinstance(option, NumberOption):
            chosen[key] = draw(st.integers(option.lowest, option.highest))
        else:
            texts = st.from_regex(option.pattern, fullmatch=True)
            chosen[key] = draw(st.just(option.example.strip("'")) | texts.filter(option.accepts))
    return chosen


def render(layout: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    (files,) = LAYOUTS[layout].render_steps(None, make_target("1.0.0", "1.1.0-rc.1"), options)
    return files


@pytest.mark.parametrize(("layout", "key"), PLACES)
def test_no_value_holds_what_breaks_out(layout: str, key: str) -> None:
    option = OPTIONS[layout][key]
    example = option.example.strip("'")
    needed = {name: each.example for name, each in OPTIONS[layout].items() if each.is_required}
    good = int(example) if isinstance(option, NumberOption) else example
    render(layout, {**needed, key: good})
    for breaking in BREAKING:
        for value in (example + breaking, breaking + example):
            with pytest.raises(MlverError, match=f"the option `{key}` of the layout {layout}"):
                render(layout, {**needed, key: value})
    others: tuple[object, ...] = (None, True, 1.5, [], "", "x" * 5000)
    for other in others:
        with pytest.raises(MlverError, match=f"the option `{key}`"):
            render(layout, {**needed, key: other})


@try_examples(15)
@given(chosen_options("tensorflow-serving"))
def test_settings_of_tensorflow_serving_hold_what_was_chosen(options: dict[str, Any]) -> None:
    (config,) = parse_server_config(
        render("tensorflow-serving", options)["models.config"]
    ).model_config_list.config
    assert config.base_path == f"{options.get('mount', '/models')}/digits"
    assert config.model_platform == options.get("platform", "tensorflow")
    assert len(config.version_labels) == 2


@try_examples(6)
@given(chosen_options("kubernetes"))
def test_manifests_and_dockerfiles_hold_what_was_chosen(options: dict[str, Any]) -> None:
    files = render("kubernetes", options)
    mount = options.get("mount", "/model")
    for name in ("digits-1-0-0", "digits-1-1-0-rc-1"):
        words = [line.split() for line in files[f"{name}/Dockerfile"].splitlines()[1:]]
        assert [line[0] for line in words] == ["FROM", "LABEL", *["ENV"] * 4, "COPY"]
        assert words[0] == ["FROM", options["base"]]
        assert words[-1] == ["COPY", "model/", f"{mount}/"]
        assert all(len(line) == 2 for line in words[:-1])
    for document in (*files["versions.yaml"], *files["roles.yaml"]):
        assert yaml.safe_load(dump_document(dict(document))) == document


@try_examples(8)
@given(chosen_options("compose"))
def test_compose_files_hold_what_was_chosen(options: dict[str, Any]) -> None:
    document = render("compose", options)["compose.yaml"]
    written = dump_document(dict(document))
    assert b"$" not in written
    assert yaml.safe_load(written) == document


@try_examples(15)
@given(chosen_options("kserve"))
def test_inference_services_hold_what_was_chosen(options: dict[str, Any]) -> None:
    document = render("kserve", options)["inferenceservice.yaml"]
    assert yaml.safe_load(dump_document(dict(document))) == document
    storage = document["spec"]["predictor"]["model"]["storageUri"]
    assert storage == f"{options['storage']}/models/digits/1.0.0"


def test_a_key_is_named_and_what_it_may_be() -> None:
    with pytest.raises(MlverError) as refused:
        read_options("kubernetes", {"port": "80\x1b[2J"}, kubernetes.OPTIONS)
    assert str(refused.value) == (
        "the option `port` of the layout kubernetes cannot be '80\\x1b[2J'; write it like"
        " `port: 8080`"
    )
    with pytest.raises(
        MlverError, match=r"no option `x\\x1b`\. Its options are: backend, platform"
    ):
        read_options("triton", {"x\x1b": 1}, triton.OPTIONS)


def test_every_example_is_of_its_form() -> None:
    for layout, key in PLACES:
        option = OPTIONS[layout][key]
        if isinstance(option, TextOption):
            assert option.accepts(option.example.strip("'")), (layout, key)
