"""What show prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlver.features.looking.show_result import ShowResult
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord
from mlver.records.note import NoteRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.values import flatten_values
from mlver.records.version import TrainingEnvironment, VersionRecord
from mlver.terminal.links import draw_findings, draw_hidden_count
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import ANSWER_STYLES, Cell, Part, TextScreen
from mlver.terminal.words import (
    describe_mixture,
    format_count,
    format_exact,
    format_size,
    format_time,
    shorten_digest,
)

if TYPE_CHECKING:
    from mlver.features.looking.architecture import Architecture

# A screen shows the first of many; --json has all.
_PARTS_SHOWN = 20


def draw_show(result: ShowResult, screen: TextScreen) -> None:
    record = result.record
    title: list[Part] = [(f"{record.model} {record.version}", "name")]
    for stage in result.stages:
        title.append(_mark_stage(stage, result.unsealed_stages))
    is_retired = bool(result.retirements) and result.retirements[-1].action == "retire"
    if is_retired:
        title.append(("  retired", "bad"))
    screen.draw_line(*title)
    for message_line in clean_lines(record.message):
        screen.draw_line("  ", message_line)
    table_rows = _list_properties(result)
    screen.draw_table(table_rows, indent=2, fold=1)
    if result.lost_code is not None:
        draw_findings([result.lost_code], screen, "warn")
    _draw_artifacts(result, screen)
    _draw_architecture(result.architecture, screen)
    _draw_values("params", record.params, screen)
    _draw_secrets(result, screen)
    _draw_values("metrics", record.metrics, screen)
    for evaluation in result.evaluations:
        _draw_evaluation(evaluation, screen)
    for approval in result.approvals:
        reason = f" for {approval.stage} by {approval.author}: {approval.message}"
        verb = "approved" if approval.action == "approve" else "revoked"
        screen.draw_line((verb, "bold"), reason, hang=2)
    _draw_reproductions(result, screen)
    _draw_verdicts(result, screen)
    _draw_rollouts(result, screen)
    for retirement in result.retirements:
        _draw_retirement(retirement, _mark_author(result, retirement), screen)
    for note in result.notes:
        moment = format_time(note.created)
        screen.draw_line(
            ("noted", "bold"), f" {moment} by {note.author}", _mark_author(result, note)
        )
        for note_line in clean_lines(note.message):
            screen.draw_line("  ", note_line, hang=2)


def _describe_storage(artifact: Artifact) -> str:
    if artifact.encrypted is not None:
        readers = format_count(len(artifact.encrypted.recipients), "reader")
        return f"encrypted for {readers}"
    if artifact.claimed:
        return "not stored; checksums claimed, not proven"
    return "" if artifact.stored else "not stored"


def _draw_secrets(result: ShowResult, screen: TextScreen) -> None:
    if not result.record.secrets:
        return
    table_rows: list[list[Cell]] = []
    for name in result.record.secrets:
        if result.secrets is None:
            shown: Cell = ("encrypted", "dim")
        else:
            shown = format_exact(result.secrets[name])
        table_rows.append([name, shown])
    screen.draw_line(("secret params", "bold"))
    screen.draw_table(table_rows, indent=2, fold=1)
    if result.secrets is None:
        ref = f"{result.record.model}@{result.record.version}"
        screen.draw_line((f"  (mlver show {ref} --identity FILE decrypts them)", "dim"))


def _draw_reproductions(result: ShowResult, screen: TextScreen) -> None:
    for reproduction in result.reproductions:
        moment = format_time(reproduction.created)
        told = f" {moment} by {reproduction.author}: {reproduction.answer}"
        screen.draw_line(("trained again", "bold"), told, hang=2)


def _draw_verdicts(result: ShowResult, screen: TextScreen) -> None:
    for verdict in result.verdicts:
        told = f" {format_time(verdict.created)} on {verdict.stage}: "
        answer: Part = (verdict.answer, ANSWER_STYLES[verdict.answer])
        screen.draw_line(("judged", "bold"), told, answer, f", {verdict.reason}", hang=2)


def _draw_rollouts(result: ShowResult, screen: TextScreen) -> None:
    for share in result.shares:
        told = f" {share.share:g} % of {share.stage} ({share.strategy})"
        screen.draw_line(("has", "bold"), told, (f" since {format_time(share.since)}", "dim"))
    for record in result.rollouts:
        moment = f" {format_time(record.created)} by {record.author}"
        what = f": {record.share:g} % of {record.stage} ({record.strategy})"
        if record.action == "withdraw":
            what = f": from {record.stage}"
        verb = "withdrawn" if record.action == "withdraw" else "rolled out"
        screen.draw_line((verb, "bold"), moment, what, hang=2)


def _mark_author(result: ShowResult, remark: NoteRecord | RetirementRecord) -> Part:
    """Mark an author whom no commit of the record names, as `log` does."""
    return (" (unconfirmed)", "warn") if remark.record_path in result.unconfirmed_remarks else ""


def _draw_retirement(retirement: RetirementRecord, mark: Part, screen: TextScreen) -> None:
    event = "retired" if retirement.action == "retire" else "restored"
    by = f" {format_time(retirement.created)} by {retirement.author}"
    screen.draw_line((event, "bold"), by, mark, f": {retirement.reason}", hang=2)
    # The reason is one line, with the version to use instead.
    for message_line in clean_lines(retirement.message)[1:]:
        screen.draw_line("  ", message_line, hang=2)


def _mark_stage(stage: str, unsealed: Sequence[str]) -> Part:
    """A stage that a version holds, marked where no tag seals the promotion that gave it."""
    if stage in unsealed:
        return (f"  {stage} (unsealed)", "warn")
    return (f"  {stage}", "good")


def _list_properties(result: ShowResult) -> list[list[Cell]]:
    """One row for each thing that is known of a version beside its artifacts and values."""
    record = result.record
    moment = format_time(record.created)
    parent = record.parent or "none"
    table_rows: list[list[Cell]] = [
        [("registered", "dim"), f"{moment} UTC by {record.author}"],
    ]
    if record.previous:
        table_rows.append([("previous", "dim"), record.previous])
    if record.mixed:
        table_rows.append([("parts", "dim"), (describe_mixture(record.mixed), "warn")])
    for path, reason in record.unreadable.items():
        table_rows.append([("damaged", "dim"), (f"{path} cannot be read: {reason}", "warn")])
    table_rows += [
        [("parent", "dim"), f"{parent}, update {record.update}"],
        *_list_origins(record),
        [("code", "dim"), _describe_code(result)],
        [("sealed", "dim"), _describe_seal(result)],
    ]
    for stage in result.unsealed_stages:
        table_rows.append(
            [(stage, "dim"), [("no tag seals its promotion yet", "warn"), "  (mlver tag)"]]
        )
    for stage in result.unconfirmed_stages:
        remark: Part = ("neither commit nor seal confirms who promoted it", "warn")
        table_rows.append([(stage, "dim"), [remark, "  (mlver verify --all)"]])
    if record.environment:
        table_rows += _format_environment_rows(record.environment)
    for label_name, label_value in record.labels.items():
        table_rows.append([(f"label {label_name}", "dim"), label_value])
    return table_rows


def _list_origins(record: VersionRecord) -> Iterator[list[Cell]]:
    """The run that it came from, the step of a pipeline that this was, and what it uses."""
    if record.run is not None:
        outcome = record.extra.get("outcome")
        yield [("run", "dim"), record.run if outcome is None else f"{record.run} ({outcome})"]
    if record.pipeline is not None:
        step = "" if record.step is None else f", step {record.step}"
        yield [("pipeline", "dim"), f"{record.pipeline}{step}"]
    if record.uses:
        uses = (f"{use.model}@{use.version}" for use in record.uses)
        yield [("uses", "dim"), ", ".join(uses)]


def _describe_code(result: ShowResult) -> Cell:
    code = result.record.code
    description = code.commit[:10] if code.commit else "no commit yet"
    if code.branch:
        description += f" on {code.branch}"
    cell: list[Part] = [description]
    if code.dirty:
        cell.append(("  with uncommitted changes", "warn"))
    if result.lost_code is not None:
        cell.append(("  lost", "bad"))
    return cell


def _format_environment_rows(environment: TrainingEnvironment) -> Iterator[list[Cell]]:
    python = f"{environment.python} on {environment.platform}"
    if environment.packages:
        python += f", {format_count(len(environment.packages), 'package')}"
    yield [("python", "dim"), python]
    others = (
        ("command", environment.command),
        ("accelerator", environment.accelerator),
        ("seed", environment.seed),
    )
    for field_name, field_value in others:
        if field_value is not None:
            yield [(field_name, "dim"), str(field_value)]


def _describe_seal(result: ShowResult) -> Cell:
    # A record on a branch has no tag until it is merged.
    if result.tag is None:
        return [("no tag seals it yet", "warn"), "  (mlver tag)"]
    if result.unsealed is not None:
        return [(f"no: {result.unsealed}", "bad"), "  (mlver verify)"]
    if result.landed is not None:
        return f"adopted from {result.tag}, by commit {result.landed[:10]}"
    return f"{result.tag} on {(result.commit or '')[:10]}"


def _draw_artifacts(result: ShowResult, screen: TextScreen) -> None:
    table_rows: list[list[Cell]] = []
    for artifact_name, artifact in result.record.named_artifacts().items():
        properties = filter(None, (artifact.format, artifact.batch, artifact.license))
        table_row: list[Cell] = [
            artifact_name,
            artifact.path,
            format_count(artifact.files, "file"),
            format_size(artifact.size),
            (shorten_digest(str(artifact.digest)), "dim"),
            (" ".join(properties), "dim"),
            (_describe_storage(artifact), "dim"),
        ]
        table_rows.append(table_row)
    screen.draw_line(("artifacts", "bold"))
    screen.draw_table(table_rows, right=(2, 3), indent=2, fold=1)


def _draw_architecture(architecture: Architecture | None, screen: TextScreen) -> None:
    """Name the layers, their sizes and shapes, as the tensors tell them."""
    if architecture is None:
        return
    extent = f"{architecture.values:,} values in {format_count(architecture.tensors, 'tensor')}"
    kinds = ", ".join([*architecture.dtypes, *architecture.formats])
    screen.draw_line(("tensors", "bold"), f"  {extent}", (f"  {kinds}", "dim"))
    table_rows: list[list[Cell]] = []
    for part in architecture.parts[:_PARTS_SHOWN]:
        shape = " × ".join(map(str, part.shape)) or "scalar"
        table_rows.append(
            [
                part.name,
                format_count(part.tensors, "tensor"),
                f"{part.values:,}",
                (f"{part.inner_name} {shape}", "dim"),
            ]
        )
    screen.draw_table(table_rows, right=(1, 2), indent=2, fold=3)
    draw_hidden_count(len(architecture.parts) - len(table_rows), screen, indent=2, noun=" parts")
    if architecture.imports:
        names = ", ".join(architecture.imports)
        screen.draw_line(("imports", "bold"), f"  {names}", ("  (a list, not a verdict)", "dim"))


def _draw_evaluation(evaluation: EvaluationRecord, screen: TextScreen) -> None:
    """What was measured later, a line a metric; a recorded drift is one line."""
    where = f"{format_time(evaluation.created)} on {', '.join(evaluation.data)}"
    if evaluation.drift is None:
        _draw_values(f"evaluated {where}", evaluation.metrics, screen)
        return
    # imported here: most evaluations are no drift
    from mlver.policy.drift.recorded import describe_recorded

    screen.draw_line(("drift", "bold"), f" {where}: {describe_recorded(evaluation.drift)}", hang=2)


def _draw_values(title: str, values: Mapping[str, Any], screen: TextScreen) -> None:
    if not values:
        return
    table_rows: list[list[Cell]] = []
    for dotted_key, value in flatten_values(values).items():
        table_rows.append([dotted_key, format_exact(value)])
    screen.draw_line((title, "bold"))
    screen.draw_table(table_rows, indent=2, fold=1)
