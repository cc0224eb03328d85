"""The settings that `mlver init` writes show all there is, and stay what they are when amended."""

from __future__ import annotations

import re

from mlver.document.codec import decode_document
from mlver.features.settings.keys import find_key, list_keys
from tests.cli.conftest import assert_works
from tests.conftest import Repository

CONFIG = ".mlver/config.yaml"
# It is read, and means nothing any more.
_FORMER = {"tags.promotions"}
_NAMED = r"^(stages|remotes|datasets|groups|verdict\.metrics|due|deploy|auto_rollback)\.[\w-]+"


def replace_names(key: str) -> str:
    """Put `NAME` in place of each name that people choose."""
    key = re.sub(_NAMED, r"\1.NAME", key)
    key = re.sub(r"^(due\.NAME\.(?:metric|fall))\.\w+", r"\1.NAME", key)
    return re.sub(r"^(deploy\.NAME\..*(?:stages|upstreams|options))\.\w+$", r"\1.NAME", key)


def test_the_comments_are_settings_with_their_sign_taken_away(first: Repository) -> None:
    written = (first.path / CONFIG).read_text()
    in_force = decode_document("config", written.encode(), CONFIG)
    assert list(in_force) == ["schema", "stages"]
    examples = re.sub(r"^#(?=\w|  )", "", written, flags=re.MULTILINE)
    document = decode_document("config", examples.encode(), CONFIG)
    assert list(document["stages"]) == ["staging", "production", "canary", "golden"]
    shown = set()
    for key in list_keys("config", document):
        value = document
        for name in key.path:
            value = value.get(name, {})
        if value != {}:
            shown.add(replace_names(key.name))
    known = {key.name for key in list_keys("config", {})}
    assert shown == known - _FORMER


def test_a_section_is_added_and_every_comment_stays(first: Repository) -> None:
    before = (first.path / CONFIG).read_text().splitlines()
    assert_works(first, "config", "set", "guard.pickle", "forbid")
    assert_works(first, "config", "set", "stages.canary.after", "staging")
    after = (first.path / CONFIG).read_text().splitlines()
    assert [line for line in after if line in before] == before
    assert {"guard:", "  pickle: forbid", "  canary:"} < set(after)


def test_a_key_is_found_by_the_name_that_it_is_listed_under() -> None:
    for kind in ("config", "model"):
        for key in list_keys(kind, {}):
            assert find_key(kind, key.name) == key
