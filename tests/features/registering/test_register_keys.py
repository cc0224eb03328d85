"""Metrics and params picked from files that hold other things as well."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

RESULTS = {"config": {"lr": 0.1, "name": "adam"}, "eval": {"f1": 0.5}, "host": "gpu-3"}
PICKED = ("--metrics", "results.json", "--metric-key", "eval")


@pytest.fixture
def mixed(first: Repository) -> Repository:
    first.write("results.json", json.dumps(RESULTS))
    first.commit("Results")
    return first


def register(repository: Repository, *options: str) -> str:
    return assert_works(repository, "register", "digits", "--bump", "patch", "-m", "x", *options)


def read_metrics(repository: Repository) -> object:
    return read_document(repository.mlver("show", "--json"), "show")["record"]["metrics"]


def test_the_names_are_kept_for_the_next_version(mixed: Repository) -> None:
    register(mixed, *PICKED, "--params", "results.json", "--param-key", "config.lr")
    assert read_metrics(mixed) == {"eval": {"f1": 0.5}}
    settings = (mixed.path / ".mlver/models/digits/model.yaml").read_text()
    assert "metric_keys:\n  - eval\n" in settings
    assert "param_keys:\n  - config.lr\n" in settings
    assert "weights, data and params are as registered" in assert_works(mixed, "status")
    mixed.write("results.json", json.dumps({**RESULTS, "host": "gpu-4"}))
    assert "weights, data and params are as registered" in assert_works(mixed, "status")
    mixed.write("results.json", json.dumps({**RESULTS, "eval": {"f1": 0.75}}))
    assert "0.75" in assert_works(mixed, "status")
    register(mixed)
    assert read_metrics(mixed) == {"eval": {"f1": 0.75}}
    record = read_document(mixed.mlver("show", "--json"), "show")["record"]
    assert record["params"] == {"config": {"lr": 0.1}}


def test_a_checkout_compares_and_restores_by_the_names(mixed: Repository) -> None:
    register(mixed, *PICKED)
    mixed.write("results.json", json.dumps({**RESULTS, "host": "gpu-4"}))
    mixed.commit("Another host")
    checked = read_document(mixed.mlver("checkout", "digits@1.0.1", "--json"), "checkout")
    assert "results.json" not in [file["path"] for file in checked["foreign"]]
    mixed.write("results.json", json.dumps({**RESULTS, "eval": {"f1": 0.75}}))
    mixed.commit("Better")
    checked = read_document(mixed.mlver("checkout", "digits@1.0.1", "--json"), "checkout")
    assert "results.json" in [file["path"] for file in checked["foreign"]]
    assert_works(mixed, "checkout", "digits@1.0.1", "--inputs")
    assert json.loads((mixed.path / "results.json").read_text())["eval"] == {"f1": 0.5}


def test_files_that_are_named_anew_are_read_whole(mixed: Repository) -> None:
    register(mixed, *PICKED)
    mixed.write("numbers.json", '{"auc": 0.9}')
    mixed.commit("Numbers")
    register(mixed, "--metrics", "numbers.json")
    assert read_metrics(mixed) == {"auc": 0.9}
    assert "metric_keys" not in (mixed.path / ".mlver/models/digits/model.yaml").read_text()


def test_a_name_that_is_not_there_is_refused(mixed: Repository) -> None:
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--metrics", "results.json")
    said = assert_refused(mixed, *words, "--metric-key", "evaluation", code=2)
    assert said == (
        "error: there is no `evaluation` to pick from results.json (--metric-key, or model.yaml);"
        " results.json has config, eval, host\nhint: mlver register --help\n"
    )
    said = assert_refused(mixed, *words)
    assert "host: is text, not a number" in said


@pytest.mark.parametrize(
    ("option", "first_value", "second_value"),
    [
        ("--param", "lr=1", "lr=2"),
        ("--metric", "f1=1", "f1=2"),
        ("--label", "team=a", "team=b"),
        ("--data", "train=data", "train=model"),
        ("--license", "weights=MIT", "weights=Apache-2.0"),
        ("--batch", "train=a", "train=b"),
        ("--param-key", "lr", "lr"),
        ("--metric-key", "f1", "f1"),
    ],
)
def test_a_name_is_given_once_in_every_option(
    mixed: Repository, option: str, first_value: str, second_value: str
) -> None:
    words = ("register", "digits", "--bump", "patch", "-m", "x")
    said = assert_refused(mixed, *words, option, first_value, option, second_value, code=2)
    name = first_value.partition("=")[0]
    assert f"`{name}` twice" in said


@pytest.mark.parametrize("text", [".9", "5.", "+0.5", "0x10"])
def test_a_metric_is_read_as_yaml_reads_it(mixed: Repository, text: str) -> None:
    mixed.write("n.yaml", f"from_file: {text}\n")
    mixed.commit("A number")
    register(mixed, "--metrics", "n.yaml", "--metric", f"from_option={text}")
    metrics = read_metrics(mixed)
    assert isinstance(metrics, dict)
    assert metrics["from_file"] == metrics["from_option"]


def test_params_behind_a_link_are_no_changes_to_the_code(mixed: Repository) -> None:
    mixed.write("conf/base.yaml", "lr: 0.1\n")
    (mixed.path / "linked.yaml").symlink_to("conf/base.yaml")
    mixed.commit("Configured")
    mixed.write("conf/base.yaml", "lr: 0.2\n")
    register(mixed, "--params", "linked.yaml")
    record = read_document(mixed.mlver("show", "--json"), "show")["record"]
    assert record["params"] == {"lr": 0.2}
    assert not record["code"]["dirty"]


def test_what_is_not_picked_may_be_no_number(mixed: Repository) -> None:
    mixed.write("results.json", json.dumps({**RESULTS, "loss": float("nan")}))
    mixed.commit("Diverged")
    register(mixed, *PICKED)
    assert read_metrics(mixed) == {"eval": {"f1": 0.5}}
    assert "weights, data and params are as registered" in assert_works(mixed, "status")
    options = ("--bump", "patch", "-m", "x", "--metric-key", "loss", "--metrics", "results.json")
    said = assert_refused(mixed, "register", "digits", *options)
    assert "loss: `nan` is not a finite number" in said
