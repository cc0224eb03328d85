"""The gates that judge by the version's own record: formats, sizes, code, copies, labels, the
message and the kind of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate, keep_whole
from mlver.policy.quantities import read_size
from mlver.records.promotion import GateResult, Result
from mlver.records.values import Leaf
from mlver.records.version import VersionRecord

UNSEEN = "nobody looked at its record"


def find_record(candidate: StageCandidate) -> VersionRecord | None:
    return None if candidate.recorded is None else candidate.recorded.record


def _build_result(gate: str, result: Result, expected: str, actual: Leaf) -> GateResult:
    return GateResult(gate=gate, result=result, expected=expected, actual=actual)


def judge_formats(candidate: StageCandidate, allowed: Iterable[str]) -> GateResult:
    expected = f"the weights are one of {', '.join(allowed)}"
    record = find_record(candidate)
    if record is None:
        return _build_result("formats", "inconclusive", expected, UNSEEN)
    found = record.weights.format
    if found is None:
        return _build_result("formats", "inconclusive", expected, "its record names no format")
    if found not in allowed:
        return _build_result("formats", "fail", expected, found)
    if record.unreadable:
        path, reason = next(iter(record.unreadable.items()))
        others = f", and {len(record.unreadable) - 1} more" if len(record.unreadable) > 1 else ""
        actual = f"{path} cannot be read: {reason}{others}"
        return _build_result("formats", "fail", expected, actual)
    return _build_result("formats", "pass", expected, found)


def judge_size(candidate: StageCandidate, setting: Any) -> GateResult:
    most = read_size(setting)
    expected = f"the weights have at most {setting}{'' if isinstance(setting, str) else ' bytes'}"
    record = find_record(candidate)
    if record is None or most is None:
        return _build_result("max_size", "inconclusive", expected, UNSEEN)
    size = record.weights.size
    return _build_result("max_size", "pass" if size <= most else "fail", expected, size)


def judge_code(candidate: StageCandidate, _: object) -> GateResult:
    expected = "trained from a commit, without changes beside it"
    record = find_record(candidate)
    if record is None:
        return _build_result("clean_code", "inconclusive", expected, UNSEEN)
    if record.code.commit is None:
        return _build_result("clean_code", "fail", expected, "trained from no commit")
    commit = record.code.commit[:10]
    if record.code.dirty:
        return _build_result("clean_code", "fail", expected, f"{commit} with changes beside it")
    return _build_result("clean_code", "pass", expected, f"{commit}, clean")


def judge_copies_kept(candidate: StageCandidate, _: object) -> GateResult:
    expected = "the bytes of the weights and of every data set are kept"
    record = find_record(candidate)
    if record is None:
        return _build_result("stored", "inconclusive", expected, UNSEEN)
    artifacts = {"weights": record.weights, **record.data}
    unkept = [name for name, artifact in artifacts.items() if not artifact.stored]
    if unkept:
        return _build_result("stored", "fail", expected, f"no copy of {', '.join(unkept)} is kept")
    return _build_result("stored", "pass", expected, f"all kept: {', '.join(artifacts)}")


def judge_label(candidate: StageCandidate, setting: str) -> GateResult:
    name, equals, wanted = setting.partition("=")
    gate = f"labels {setting}"
    expected = f"its label {name} is {wanted}" if equals else f"it has a label {name}"
    record = find_record(candidate)
    if record is None:
        return _build_result(gate, "inconclusive", expected, UNSEEN)
    value = record.labels.get(name)
    if value is None or not value.strip():
        return _build_result(gate, "fail", expected, f"it has no label {name}")
    result: Result = "fail" if equals and value != wanted else "pass"
    return _build_result(gate, result, expected, value)


def judge_message(candidate: StageCandidate, _: object) -> GateResult:
    expected = "its record says why it was made"
    record = find_record(candidate)
    if record is None:
        return _build_result("message", "inconclusive", expected, UNSEEN)
    has_message = bool(record.message.strip())
    actual = "it has a message" if has_message else "its message is empty"
    return _build_result("message", "pass" if has_message else "fail", expected, actual)


def judge_update(candidate: StageCandidate, allowed: Iterable[str]) -> GateResult:
    expected = f"its training was one of {', '.join(allowed)}"
    record = find_record(candidate)
    if record is None:
        return _build_result("update", "inconclusive", expected, UNSEEN)
    result: Result = "pass" if record.update in allowed else "fail"
    return _build_result("update", result, expected, record.update)


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    # A record never changes: what it lacks, the next version can have.
    return (shell_command("mlver", "show", ref), "mlver register --help")


FORMATS = Gate(judge=judge_formats, suggest_commands=suggest_commands, split=keep_whole)
MAX_SIZE = Gate(judge=judge_size, suggest_commands=suggest_commands)
CLEAN_CODE = Gate(judge=judge_code, suggest_commands=suggest_commands)
STORED = Gate(judge=judge_copies_kept, suggest_commands=suggest_commands)
LABELS = Gate(judge=judge_label, suggest_commands=suggest_commands)
MESSAGE = Gate(judge=judge_message, suggest_commands=suggest_commands)
UPDATE = Gate(judge=judge_update, suggest_commands=suggest_commands, split=keep_whole)
