"""The settings that the page on layouts shows are settings that a person can copy."""

from __future__ import annotations

import re

import pytest
import yaml

from mlver.document.codec import decode_document
from mlver.policy.serving.layouts import LAYOUTS
from mlver.policy.serving.version_numbers import number_version
from mlver.records.config import ProjectConfig
from mlver.version import parse_version
from tests.conftest import CHECKOUT
from tests.policy.serving.served_targets import make_target

PAGE = (CHECKOUT / "docs" / "layouts.md").read_text()
BLOCKS = re.findall(r"(?<=^```yaml\n).*?(?=^```$)", PAGE, re.MULTILINE | re.DOTALL)
NUMBERS = re.findall(r"^\| ([0-9]+\.[^ ]+) \| ([0-9]+) \|$", PAGE, re.MULTILINE)
LAYOUT_NAMES = [next(iter(yaml.safe_load(block)["deploy"].values()))["layout"] for block in BLOCKS]


@pytest.mark.parametrize("block", BLOCKS, ids=LAYOUT_NAMES)
def test_a_layout_takes_the_settings_of_its_page(block: str) -> None:
    document = decode_document("config", f"schema: mlver/config/1\n{block}".encode(), "the page")
    for settings in ProjectConfig.from_document(document).deploy.values():
        layout = LAYOUTS[settings.layout]
        assert layout.render_steps(None, make_target("1.0.0", "1.1.0"), settings.options)


def test_every_layout_is_shown() -> None:
    assert {*LAYOUT_NAMES, "directories"} == set(LAYOUTS)
    assert all(f"| `{name}` |" in PAGE for name in LAYOUTS)


def test_the_numbers_of_versions_are_right() -> None:
    assert len(NUMBERS) == 3
    for version, number in NUMBERS:
        assert number_version(parse_version(version)) == int(number)
