"""Where things lie, and what their names tell: paths are relative."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.layout import AttachedPath, PromotionPath, SettingsPath, VersionPath
from mlver.version import parse_version

DIGEST = Digest("ab" * 32)

PATHS = {
    layout.settings_path("m"): ".mlver/models/m/model.yaml",
    layout.version_path(
        "m", parse_version("1.0.0-rc.1")
    ): ".mlver/models/m/versions/1.0.0-rc.1.yaml",
    layout.promotion_path("m", "production", 3): ".mlver/models/m/stages/production/0003.yaml",
    layout.promotion_path("m", "production", 12345): ".mlver/models/m/stages/production/12345.yaml",
    layout.attached_folder("evaluation", "m", "1.0.0"): ".mlver/models/m/evaluations/1.0.0",
    layout.attached_folder("approval", "m", "1.0.0"): ".mlver/models/m/approvals/1.0.0",
    layout.attached_folder("note", "m", "1.0.0"): ".mlver/models/m/notes/1.0.0",
    layout.manifest_path(DIGEST): f".mlver/manifests/{'ab' * 32}.sha256",
}


@pytest.mark.parametrize(("found", "expected"), PATHS.items())
def test_paths_are_those_that_are_promised(found: str, expected: str) -> None:
    assert found == expected


KINDS = {  # (a record never changes, its name is one mlver gives)
    ".mlver/models/m/versions/1.0.0.yaml": (True, True),
    ".mlver/models/m/stages/production/0001.yaml": (True, True),
    ".mlver/models/m/evaluations/1.0.0/0001.yaml": (True, True),
    ".mlver/models/m/approvals/1.0.0/production/0001.yaml": (True, True),
    ".mlver/models/m/notes/1.0.0/0001.yaml": (True, True),
    ".mlver/models/m/retired/1.0.0/0001.yaml": (True, True),
    ".mlver/models/m/model.yaml": (False, True),
    ".mlver/models/m/stages/production/1.yaml": (False, False),
    ".mlver/models/m/versions/deep/1.0.0.yaml": (False, False),
    ".mlver/models/m/versions/1.0.0.yml": (False, False),
    ".mlver/models/versions/1.0.0.yaml": (False, False),
    ".mlver/config.yaml": (False, False),
    ".mlver/models/m/versions/banana.yaml": (False, False),
    ".mlver/models/m/versions/v1.0.0.yaml": (False, False),
    ".mlver/models/m/versions/1.0.0+build.yaml": (False, False),
    ".mlver/models/m/stages/Prod/0001.yaml": (False, False),
    ".mlver/models/m/stages/latest/0001.yaml": (False, False),
    ".mlver/models/m/stages/production/0000.yaml": (False, False),
    ".mlver/models/m/stages/production/00001.yaml": (False, False),
    ".mlver/models/m/evaluations/banana/0001.yaml": (False, False),
    ".mlver/models/m/notes/banana/0001.yaml": (False, False),
    ".mlver/models/m/approvals/1.0.0/Prod/0001.yaml": (False, False),
    ".mlver/models/-m/versions/1.0.0.yaml": (False, False),
    ".mlver/models/m/deep/model.yaml": (False, False),
    "x/.mlver/models/m/versions/1.0.0.yaml": (False, False),
}


@pytest.mark.parametrize(("path", "kinds"), KINDS.items())
def test_records_are_told_from_what_may_change(path: str, kinds: tuple[bool, bool]) -> None:
    assert (layout.is_record_path(path), layout.parse_path(path) is not None) == kinds


def test_a_place_is_read_back_as_it_is_written() -> None:
    for path, place in {
        layout.version_path("m", "1.0.0-rc.1"): VersionPath("m", "1.0.0-rc.1"),
        layout.settings_path("m"): SettingsPath("m"),
        layout.promotion_path("m", "production", 12345): PromotionPath("m", "production", 12345),
        layout.evaluation_path("m", "1.0.0", 1): AttachedPath("evaluation", "m", "1.0.0", None, 1),
        layout.note_path("m", "1.0.0", 3): AttachedPath("note", "m", "1.0.0", None, 3),
        layout.retirement_path("m", "1.0.0", 4): AttachedPath("retirement", "m", "1.0.0", None, 4),
        layout.reproduction_path("m", "1.0.0", 2): AttachedPath(
            "reproduction", "m", "1.0.0", None, 2
        ),
        layout.verdict_path("m", "production", 2): AttachedPath(
            "verdict", "m", None, "production", 2
        ),
        layout.rollout_path("m", "production", 3): AttachedPath(
            "rollout", "m", None, "production", 3
        ),
        layout.approval_path("m", "1.0.0", "production", 2): AttachedPath(
            "approval", "m", "1.0.0", "production", 2
        ),
    }.items():
        assert layout.parse_path(path) == place


def test_manifests_never_change_and_versions_are_told_apart() -> None:
    assert layout.is_record_path(layout.manifest_path(DIGEST))
    assert layout.is_version_path(".mlver/models/m/versions/1.0.0.yaml")
    assert not layout.is_version_path(".mlver/models/m/stages/versions/0001.yaml")


def test_the_signature_of_an_approval_never_changes_either() -> None:
    path = layout.approval_path("m", "1.0.0", "production", 2)
    assert layout.seal_path(path) == ".mlver/models/m/approvals/1.0.0/production/0002.seal"
    assert layout.is_record_path(layout.seal_path(path))
    assert layout.is_own_path(layout.seal_path(path))
    assert layout.parse_path(layout.seal_path(path)) is None
    assert not layout.is_seal_path(path)
    assert not layout.is_seal_path(".mlver/models/m/versions/1.0.0.seal")
