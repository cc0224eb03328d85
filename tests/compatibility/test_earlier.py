"""A repository that an earlier mlver made opens, verifies and goes on.

`earlier.tar.gz` was made by `make_earlier.sh`. It holds versions with packed and loose objects, an
adopted version, promotions with and without a tag, a version that a merge renumbered, and a
promotion whose process was killed before its tag was made.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

ARCHIVE = Path(__file__).with_name("earlier.tar.gz")
LIST = """\
digits
  production 1.0.0  staging 1.3.0  latest 1.3.0  accuracy ▁▃▆█
  version  accuracy  age  message
  1.3.0        0.94  4 h  Of the topic
  1.2.0        0.93  4 h  Of main
  1.1.0        0.92  4 h  Second
  1.0.0        0.91  4 h  First

legacy
  latest 0.9.0
  version  age  message
  0.9.0    4 h  A release made by hand
"""
LOG = """\
time (UTC)        version       event                  stage                        by   message
2026-01-02 03:04  digits 1.3.0  promoted before seals  staging: 1.0.0 → 1.3.0       Kim  Interrupted
2026-01-02 03:04  digits 1.0.0  promoted               staging: (empty) → 1.0.0     Kim  Try it
2026-01-02 03:04  digits 1.0.0  rolled back            production: 1.1.0 → 1.0.0    Kim  Not better
2026-01-02 03:04  digits 1.1.0  promoted               production: 1.0.0 → 1.1.0    Kim  Better
2026-01-02 03:04  digits 1.0.0  promoted before seals  production: (empty) → 1.0.0  Kim  Release
2026-01-02 03:04  digits 1.3.0  registered                                          Kim  Of the topic
2026-01-02 03:04  digits 1.2.0  registered                                          Kim  Of main
2026-01-02 03:04  digits 1.1.0  registered                                          Kim  Second
2026-01-02 03:04  digits 1.0.0  registered                                          Kim  First
"""  # noqa: E501
SHOW = """\
legacy 0.9.0
  A release made by hand
  registered  2026-01-02 03:04 UTC by Kim <kim@example.org>
  parent      none, update full
  code        e2a2bb025d
  sealed      adopted from legacy@v0.9.0, by commit 6c2003e5e2
artifacts
  weights  legacy.bin  1 file  23 B  sha256:374ba2a73662    not stored
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Repository:
    """The repository as it was left, its last promotion half done."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "earlier", filter="data")
    return Repository(tmp_path / "earlier")


def test_what_was_interrupted_is_set_aside_and_all_is_well(earlier: Repository) -> None:
    before = earlier.mlver("verify", "--all")
    assert (before.code, "before seals: 2 promotions" in before.out) == (0, True)
    # An earlier mlver signed no plan, so nothing shows who wrote this one.
    refused = assert_refused(earlier, "promote", "digits@1.2.0", "--to", "staging", "-m", "Try it")
    assert refused.endswith("hint: mlver doctor --fix\n")
    settled = earlier.mlver("doctor", "--fix")
    assert (settled.code, settled.out.count("it was set aside")) == (0, 1)
    assert "digits@staging.2" not in earlier.git("tag", "--list").splitlines()
    result = read_document(earlier.mlver("verify", "--all", "--json"), "verify")
    assert (result["ok"], result["broken"], result["notes"]) == (True, [], [])
    assert (len(result["versions"]), result["promotions"]) == (5, 5)
    assert result["before_seals"] == 2
    assert result["adopted"] == ["legacy@0.9.0"]


def test_its_records_say_what_they_said(
    earlier: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dated:
        dated.setenv("SOURCE_DATE_EPOCH", "1767337445")  # 2026-01-02T07:04:05Z
        assert assert_works(earlier, "list") == LIST
    lines = assert_works(earlier, "log", "digits")
    assert re.sub("  (commit    |[0-9a-f]{10})(?=  )", "", lines) == LOG
    assert assert_works(earlier, "show", "legacy@0.9.0") == SHOW
    renumbered = read_document(earlier.mlver("show", "digits@1.3.0", "--json"), "show")
    assert renumbered["record"]["message"] == "Of the topic"
    assert renumbered["record"]["parent"] == "1.1.0"


def test_it_goes_on(earlier: Repository) -> None:
    earlier.write("model/weights.bin", b"more weights\n" * 100_000)
    earlier.write("data/train.csv", "a,b\n1,2\n")
    earlier.write("metrics.json", '{"accuracy": 0.95}')
    assert earlier.mlver("doctor", "--fix").code == 0
    registered = earlier.mlver("register", "digits", "--bump", "minor", "-m", "Of today")
    assert (registered.code, "digits 1.4.0" in registered.out) == (0, True), registered
    assert_works(earlier, "promote", "digits@1.4.0", "--to", "staging", "-m", "Try it")
    assert_works(earlier, "rollback", "digits", "--stage", "staging", "-m", "Back")
    assert_works(earlier, "checkout", "digits@1.1.0", "--force")
    # what is promoted from now on is sealed
    seals = earlier.git("tag", "--list", "digits@staging.*").splitlines()
    assert seals == [f"digits@staging.{sequence}" for sequence in (1, 3, 4)]
    assert_works(earlier, "verify", "--all")
