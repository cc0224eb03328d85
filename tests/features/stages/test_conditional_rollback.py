"""Rollbacks that alerts ask for: made once, and only while the version that is bad is there."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.faults.hostile import check_outcome
from tests.policy.made_alerts import FIRST, SECOND, dump_alerts

BACK = ("rollback", "digits", "--stage", "production", "-m", "errors")


@pytest.fixture
def risen(second: Repository) -> Repository:
    """With digits 1.1.0 in production, 1.0.0 before it, and an alert about 1.1.0."""
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    second.write("alert.json", dump_alerts({"a1b2": FIRST}).decode())
    return second


def roll_back(repository: Repository, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = read_document(
        repository.mlver(*BACK, *options, "--json"), "rollback"
    )
    return document


def assert_unchanged(repository: Repository, reason: str, *options: str) -> None:
    head = repository.git("rev-parse", "HEAD")
    told = roll_back(repository, *options)
    assert (told["changed"], told["sequence"], told["commit"]) == (False, None, None)
    assert reason in told["reason"]
    assert repository.git("rev-parse", "HEAD") == head


def test_it_happens_while_the_version_holds_the_stage(risen: Repository) -> None:
    told = roll_back(risen, "--if-holds", "v1.1.0", "--because", "alert.json")
    digest = f"sha256:{sha256((risen.path / 'alert.json').read_bytes()).hexdigest()}"
    assert (told["changed"], told["version"], told["because"]) == (True, "1.0.0", digest)
    record = (risen.path / ".mlver/models/digits/stages/production/0003.yaml").read_text()
    assert f'because: "{digest}"\n' in record
    assert f"  errors\n\n  Mlver-Alert: a1b2 {FIRST}\n" in record
    assert_works(risen, "verify", "--all")


def test_another_holder_stays(risen: Repository) -> None:
    """A late alert is about a version that is gone."""
    reason = "digits 1.1.0 holds production, not 1.0.0"
    assert_unchanged(risen, reason, "--if-holds", "1.0.0", "--because", "alert.json")
    assert_unchanged(risen, "not 7.0.0", "--if-holds", "7.0.0", "--dry-run")
    done = assert_works(risen, *BACK, "--if-holds", "1.0.0")
    assert done == f"Nothing changed: {reason}\n"


def test_an_empty_stage_stays_empty(risen: Repository) -> None:
    assert_works(risen, "retire", "digits", "--stage", "production", "-m", "Gone")
    assert_unchanged(risen, "no version of digits holds production", "--if-holds", "1.1.0")


def test_the_same_alert_is_acted_on_once(risen: Repository) -> None:
    """Also where the version was promoted again meanwhile, and the alert comes late."""
    roll_back(risen, "--if-holds", "1.1.0", "--because", "alert.json")
    reason = "acted on already: see production/0003"
    assert_unchanged(risen, reason, "--because", "alert.json")
    assert_works(risen, "promote", "digits@1.1.0", "--to", "production", "-m", "Repaired")
    # Sent again: other bytes, the same alert.
    risen.write("alert.json", dump_alerts({"a1b2": FIRST}, severity="page").decode())
    assert_unchanged(risen, reason, "--if-holds", "1.1.0", "--because", "alert.json")
    risen.write("alert.json", dump_alerts({"a1b2": SECOND}).decode())
    assert roll_back(risen, "--if-holds", "1.1.0", "--because", "alert.json")["changed"]


def test_a_promotion_that_names_an_alert_does_not_answer_it(risen: Repository) -> None:
    assert_works(risen, *BACK)
    message = f"Fixed\n\nMlver-Alert: a1b2 {FIRST}"
    assert_works(risen, "promote", "digits@1.1.0", "--to", "production", "-m", message)
    assert roll_back(risen, "--because", "alert.json")["changed"] is True


def test_an_alert_that_is_over_changes_nothing(risen: Repository) -> None:
    risen.write("alert.json", dump_alerts({"a1b2": FIRST}, status="resolved").decode())
    assert_unchanged(risen, "resolved", "--if-holds", "1.1.0", "--because", "alert.json")


def test_evidence_may_be_anything(risen: Repository) -> None:
    (risen.path / "log.bin").write_bytes(b"\x00\xff" * 1000)
    assert roll_back(risen, "--because", "log.bin", "--dry-run")["changed"]
    told = assert_works(risen, *BACK, "--because", "log.bin")
    digest = sha256((risen.path / "log.bin").read_bytes()).hexdigest()
    assert f"because of sha256:{digest}\n" in told
    assert_unchanged(risen, "acted on already", "--because", "log.bin")


def test_a_condition_that_is_met_does_what_a_rollback_does(risen: Repository) -> None:
    risen.git("switch", "--quiet", "--detach")
    told = assert_refused(risen, *BACK, "--if-holds", "1.1.0")
    assert told == assert_refused(risen, *BACK)
    assert_unchanged(risen, "not 1.0.0", "--if-holds", "1.0.0")


@pytest.mark.parametrize("version", ["production", "1.1", "1.1.0+build", "~1"])
def test_only_a_version_can_be_expected(risen: Repository, version: str) -> None:
    assert_refused(risen, *BACK, "--if-holds", version, code=2)


def test_evidence_that_is_none_is_refused(risen: Repository, tmp_path: Path) -> None:
    risen.write("empty", "")
    os.mkfifo(risen.path / "fifo")
    deep = {"status": "firing", "alerts": [{"fingerprint": "\u202e::error::", "startsAt": "\x1b"}]}
    risen.write("odd.json", json.dumps(deep))
    for name in ("empty", "missing", "fifo", "model", "::error::", str(tmp_path)):
        done = risen.mlver(*BACK, "--because", name)
        check_outcome(done, 3)
        assert done.err.startswith("error: ")
    check_outcome(risen.mlver(*BACK, "--because", "odd.json"), 0)
