"""The settings that judge: what is accepted, and what is refused in which words."""

from __future__ import annotations

import pytest

from mlver.document import codec
from mlver.errors import MlverError
from mlver.records import layout
from mlver.records.config import ProjectConfig

DIGEST = f"sha256:{'a' * 64}"
EVERYTHING = f"""\
schema: mlver/config/1
stages:
  staging: {{}}
  production:
    after: [staging]
    hold: 48h
    gates:
    - {{metric: accuracy, on: golden, min: 0.92, max_drop: 0.005}}
    - {{metric: latency_ms.p95, on: golden, max: 40, max_rise: 5%}}
    - {{metric: by_country.*.accuracy, on: golden, max_drop: 0.02}}
    requires:
      formats: [safetensors, onnx]
      max_size: 4GiB
      clean_code: true
      stored: true
      labels: [team, ticket]
      licenses: [MIT, Apache-2.0, CC-BY-4.0]
datasets:
  golden: {{path: data/golden, digest: '{DIGEST}'}}
groups:
  leads: [kim@example.org, Ana Ü <ana@example.org>]
policy:
  from: release/2026
  signers: .mlver/allowed_signers
"""


def _read(text: str) -> ProjectConfig:
    return ProjectConfig.from_document(
        codec.decode_document("config", text.encode(), layout.CONFIG)
    )


def test_everything_is_read_and_written_as_it_was() -> None:
    config = _read(EVERYTHING)
    assert config.unknown_sections == ()
    assert config.policy.branch == "release/2026"
    assert config.groups["leads"] == ("kim@example.org", "Ana Ü <ana@example.org>")
    written = codec.encode_document("config", config.to_document()).decode()
    assert _read(written) == config


REFUSED = {
    "gates: [{metric: acc}]": "gates[0]: needs `min`, `max`, `max_drop` or `max_rise`",
    "gates: [{min: 1}]": "gates[0]: `metric` is missing",
    "gates: [{metric: acc, min: .nan}]": "`.nan` is not a finite number",
    "gates: [{metric: acc, min: '0.9'}]": "gates[0].min: must be a number, not `0.9`",
    "gates: [{metric: acc, max_drop: -1}]": "gates[0].max_drop: must be at least 0, not `-1`",
    "gates: [{metric: acc, max_drop: 5 %}]": "`5 %` is not a number from 0 on, or a share",
    "gates: [{metric: acc, max_drop: -5%}]": "`-5%` is not a number from 0 on, or a share",
    "gates: [{metric: a..b, min: 1}]": "`a..b` is not the dotted name of a metric",
    "gates: [{metric: acc, mim: 1}]": "unknown key `mim`: did you mean `min`?",
    "gates: [{metric: acc, on: ../x, min: 1}]": "`../x` is not a data set name",
    "gates: {acc: {min: 1}}": "gates: must be a list, not a map",
    "hold: 48": "hold: must be text, not `48`",
    "hold: 0h": "`0h` is not a number of hours or days",
    "requires: {max_size: 4 gib}": "`4 gib` is not a number of bytes, or a size such as 4GiB",
    "requires: {formats: []}": "formats: must have at least 1 items",
    "requires: {licenses: MIT}": "licenses: must be a list, not `MIT`",
    "requires: {licence: [MIT]}": "unknown key `licence`: did you mean `licenses`?",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_a_rule_that_asks_for_nothing_known_is_refused(text: str, words: str) -> None:
    with pytest.raises(MlverError) as refused:
        _read(f"schema: mlver/config/1\nstages:\n  production:\n    {text}\n")
    assert words in refused.value.message
    assert "line " in refused.value.message


SECTIONS = {
    "datasets: {golden: {path: ../x, digest: 'sha256:aa'}}": "is not a path inside the repository",
    "datasets: {weights: {path: x, digest: 'sha256:aa'}}": "is not a data set name",
    "datasets: {golden: {path: x}}": "`digest` is missing",
    "groups: {leads: []}": "must have at least 1 items",
    "groups: {leads: [kim]}": "`kim` is not one person: an address, or Name <address>",
    "groups: {leads: ['a <b@c> <d@e>']}": "is not one person",
    "policy: {from: -x}": "`-x` is not the name of a branch",
    "policy: {from: 'a:b'}": "`a:b` is not the name of a branch",
    "policy: {from: 'a..b'}": "`a..b` is not the name of a branch",
    "policy: {signers: elsewhere}": "must be `.mlver/allowed_signers`, not `elsewhere`",
}


@pytest.mark.parametrize(("text", "words"), SECTIONS.items())
def test_a_section_that_names_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(MlverError) as refused:
        _read(f"schema: mlver/config/1\n{text}\n")
    assert words in refused.value.message
