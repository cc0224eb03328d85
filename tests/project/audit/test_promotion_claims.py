"""What promotions say of other records: what is true is no alarm."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.records.approval import ApprovalRecord
from mlver.records.promotion import ApprovalReference
from mlver.records.references import VersionReference
from tests.conftest import NOW
from tests.project.audit.forging import Town

LATER = "2026-01-03T03:04:05Z"  # a day after NOW
ALICE = "Alice <alice@example.org>"


def _approve(town: Town) -> Digest:
    """Let Alice approve 1.0.0 for production; return the digest of her approval."""
    digest = town.project.registry.read_version_digest("m", "1.0.0")
    assert digest is not None
    approval = ApprovalRecord(
        model="m",
        version="1.0.0",
        stage="production",
        sequence=1,
        created=NOW,
        author=ALICE,
        message="Fine",
        record=digest,
    )
    data = codec.encode_document("approval", approval.to_document())
    town.repository.write(approval.record_path, data)
    return Digest.of_bytes(data)


def test_an_approval_that_was_given_is_no_alarm(town: Town) -> None:
    town.enter("Kim", day=1)
    named = ApprovalReference(approver=ALICE, record=_approve(town))
    town.write_forgery(created=LATER, approvals=(named,))
    town.repository.commit("docs")
    assert town.name_findings() == []


def test_an_approval_that_nobody_gave_is_named(town: Town) -> None:
    town.enter("Kim", day=1)
    named = ApprovalReference(approver="Bob <bob@example.org>", record=_approve(town))
    town.write_forgery(created=LATER, approvals=(named,))
    town.repository.commit("docs")
    ((kind, message),) = town.name_findings()
    assert kind == "gate"
    assert message.startswith("says that Bob <bob@example.org> approved it, in a record that is no")


@pytest.mark.parametrize("compared", ["1.0.0", "1.1.0"])
def test_a_promotion_was_compared_with_what_held_its_stage(town: Town, compared: str) -> None:
    """1.0.0 holds production."""
    town.enter("Kim", day=1)
    digest = town.project.registry.read_version_digest("m", compared)
    assert digest is not None
    town.write_forgery(created=LATER, baseline=VersionReference(version=compared, record=digest))
    town.repository.commit("docs")
    expected: list[tuple[str, str]] = []
    if compared != "1.0.0":
        fault = "says that it was compared with 1.1.0, which did not hold the stage"
        expected.append(("gate", fault))
    assert town.name_findings() == expected


def test_a_promotion_is_dated_after_the_one_that_let_it_in(town: Town) -> None:
    """One commit may bring both in the end, and then only their dates tell the order."""
    town.enter("Kim", day=1, second=600)
    town.promote("1.1.0", "staging")
    town.enter("Bob", day=1)
    town.promote("1.1.0", "production")
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    assert last.created == "2026-01-03T03:14:06Z"
    town.repository.git("reset", "--quiet", "--soft", "HEAD~2")
    town.enter("Bob", day=2)
    town.repository.commit("Both")
    assert town.name_findings() == []


def test_no_promotion_is_made_long_before_the_one_that_lets_it_in(town: Town) -> None:
    town.enter("Kim", day=1)
    town.promote("1.1.0", "staging")
    town.enter("Bob", day=0, second=60)
    with pytest.raises(MlverError, match="staging/0002 is of 2026-01-03T03:04:05Z"):
        town.promote("1.1.0", "production")
