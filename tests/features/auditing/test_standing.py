"""What an audit says of data that may not be used any more, and of approvals that lost effect."""

from __future__ import annotations

from dataclasses import replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.records.approval import ApprovalRecord
from mlver.records.references import PolicyReference, VersionReference
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import NOW, Repository
from tests.features.auditing.reading import audit
from tests.project.audit.forging import Town

GRANT = ("--basis", "consent", "--purpose", "training", "--reference", "form 7", "-m", "consent")


def test_a_stage_whose_data_was_withdrawn_is_named(second: Repository) -> None:
    assert_works(second, "authorise", "digits@1.0.0:train", *GRANT)
    assert audit(second, "--strict")[1]["withdrawn"] == []
    assert_works(second, "authorise", "digits@1.0.0:train", "--withdraw", "-m", "ticket 4711")
    code, document = audit(second)
    (finding,) = document["withdrawn"]
    assert (code, finding["subject"]) == (0, "digits@1.0.0")
    assert "holds production, and was trained on data sha256:" in finding["message"]
    assert "training was withdrawn on 2026-01-02" in finding["message"]
    assert audit(second, "--strict")[0] == 1
    assert "may not be used any more" in second.mlver("audit").out
    done = second.mlver("audit", "--data", "digits@1.0.0:train", "--json")
    found = read_document(done, "dataaudit")
    assert [(purpose["purpose"], purpose["standing"]) for purpose in found["purposes"]] == [
        ("training", "withdrawn")
    ]
    assert [(use["version"], use["stages"]) for use in found["uses"]] == [
        ("1.0.0", ["production"]),
        ("1.1.0", []),
    ]
    shown = assert_works(second, "audit", "--data", "digits@1.0.0:train")
    assert "withdrawn" in shown
    assert "digits 1.0.0" in shown


def test_data_goes_with_nothing_else(second: Repository) -> None:
    done = second.mlver("audit", "digits", "--data", "digits@1.0.0:train")
    assert (done.code, "--data goes with --json alone" in done.err) == (2, True)


def write_approval(town: Town, sequence: int, **changes: object) -> str:
    project = town.project
    _, digest = project.registry.read_version("m", "1.1.0")
    promotion, _ = project.registry.read_history("m", "production")[-1]
    assert promotion.policy is not None
    approval = ApprovalRecord(
        model="m",
        version="1.1.0",
        stage="production",
        sequence=sequence,
        created=NOW,
        author="Ana <ana@example.org>",
        message="looks right",
        record=digest,
        policy=promotion.policy,
        baseline=VersionReference(promotion.version, promotion.record),
    )
    approval = replace(approval, **changes)  # type: ignore[arg-type]
    data = codec.encode_document("approval", approval.to_document())
    town.repository.write(approval.record_path, data)
    return approval.record_path


def test_approvals_that_lost_their_effect_are_named_with_the_reason(town: Town) -> None:
    other = Digest.of_bytes(b"another")
    write_approval(town, 1)
    policy = PolicyReference(commit=None, digest=other, signers=None)
    paths = {
        write_approval(town, 2, record=other): "was given for another record of the version",
        write_approval(town, 3, policy=policy): "was given under another rule of the stage",
        write_approval(town, 4, baseline=None): "was given while the stage was empty",
    }
    town.repository.commit("Approve")
    code, document = audit(town.repository, "--stage", "production")
    found = {finding["subject"]: finding["message"] for finding in document["unbound"]}
    assert list(found) == list(paths)
    for path, words in paths.items():
        assert words in found[path]
    assert code == 0
    assert "without effect" in town.repository.mlver("audit").out


def test_an_approval_that_was_taken_back_or_used_is_not_waiting(town: Town) -> None:
    write_approval(town, 1, record=Digest.of_bytes(b"another"))
    write_approval(town, 2, action="revoke")
    town.repository.commit("Approve, and take it back")
    assert audit(town.repository)[1]["unbound"] == []


def test_what_was_given_again_after_it_was_taken_back_waits(town: Town) -> None:
    write_approval(town, 1, baseline=None)
    write_approval(town, 2, action="revoke", author="Ana B. <ANA@example.org>")
    again = write_approval(town, 3, baseline=None)
    town.repository.commit("Approve, take it back, and approve again")
    assert [finding["subject"] for finding in audit(town.repository)[1]["unbound"]] == [again]
