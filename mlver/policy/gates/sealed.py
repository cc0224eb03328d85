"""The gate `sealed`, which every stage has: a tag seals the version's record."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.policy.chain import UNSIGNED
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult
from mlver.records.tags import version_tag_name


def judge_seal(candidate: StageCandidate, _: object) -> GateResult:
    return GateResult(
        gate="sealed",
        result="pass" if candidate.unsealed is None else "fail",
        expected="a version tag seals the record",
        actual=candidate.unsealed or candidate.sealed,
    )


# What is wrong where a tag stands and seals another record: no second one is made.
_OTHERWISE = ("points at a commit", "was edited")


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    reason = str(result.actual)
    if UNSIGNED in reason:
        model, _, version = ref.partition("@")
        delete = shell_command("git", "tag", "-d", version_tag_name(model, version))
        return ("git config tag.gpgSign true", delete, "mlver tag")
    verify_version = shell_command("mlver", "verify", ref)
    if reason.startswith(_OTHERWISE):
        return (verify_version,)
    return ("mlver tag", verify_version)


GATE = Gate(judge=judge_seal, suggest_commands=suggest_commands)
