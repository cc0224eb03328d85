"""`mlver authorise`: record what a data set may be used for, or that it may not any more."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from mlver import names
from mlver.document import codec
from mlver.errors import MlverError, UsageError, shell_command
from mlver.policy.authorisation import judge_standing, list_live_purposes, list_purposes
from mlver.project.authorising.naming import NamedData, find_data
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_possible_date
from mlver.project.history.data_uses import DataUse, find_data_uses
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.authorisations import read_authorisations
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord, Basis, Personal

AuthoriseOutcome = Literal["granted", "withdrawn", "already"]

_BASES: dict[str, Basis] = {name: name for name in get_args(Basis)}
_PERSONAL: dict[str, Personal] = {name: name for name in get_args(Personal)}
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# An address is a person's, and nobody can take it out of git again.
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[A-Za-z]{2,}")
_MOST_TEXT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoriseResult:
    """`outcome`: it was `granted` or `withdrawn`, or the last record said so `already`.

    On a dry run that is what would have come of it, and `sequence` and `path` are those that the
    record would have. `live` is all that the data may be used for then. `uses` are the versions
    that were trained on it. `commit` is None where nothing was written.
    """

    data: str
    name: str
    action: str
    outcome: AuthoriseOutcome
    basis: Basis | None
    purposes: tuple[str, ...]
    personal: Personal | None
    reference: str | None
    until: str | None
    message: str
    live: tuple[str, ...]
    uses: tuple[DataUse, ...]
    sequence: int
    path: str
    commit: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person allows; `until` is the last day, such as `2027-12-31`."""

    purposes: tuple[str, ...]
    basis: str | None = None
    personal: str = "personal"
    reference: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be recorded, checked: the fields of the record that people give."""

    action: Literal["grant", "withdraw"]
    message: str
    purposes: tuple[str, ...]
    basis: Basis | None = None
    personal: Personal | None = None
    reference: str | None = None
    until: str | None = None


def authorise_data(
    project: Project, data: str, grant: Grant, *, message: str, dry_run: bool = False
) -> AuthoriseResult:
    """Record that the data set that `data` names may be used: one record, one commit.

    Raise UsageError for a grant that says too little or names a person's address.
    """
    words = ["mlver", "authorise", data]
    plan = _check_grant(grant, message, words)
    names.check_reason(message, "an authorisation", words, is_kept=not dry_run)
    if plan.until is not None and plan.until < project.record_time[:10]:
        raise UsageError(f"--until {plan.until} has passed, so that would allow nothing")
    return _write_record(project, data, plan, dry_run=dry_run)


def withdraw_data(
    project: Project,
    data: str,
    *,
    message: str,
    purposes: Sequence[str] = (),
    reference: str | None = None,
    dry_run: bool = False,
) -> AuthoriseResult:
    """Record that a data set may not be used for these purposes any more, or for none."""
    words = ["mlver", "authorise", data, "--withdraw"]
    names.check_reason(message, "a withdrawal", words, is_kept=not dry_run)
    plan = _Plan(
        action="withdraw",
        message=_refuse_address(message, "the message").strip(),
        purposes=_check_purposes(purposes),
        reference=_check_reference(reference),
    )
    return _write_record(project, data, plan, dry_run=dry_run)


def _check_grant(grant: Grant, message: str, words: Sequence[str]) -> _Plan:
    purposes = _check_purposes(grant.purposes)
    if not purposes:
        raise UsageError(
            "an authorisation says what for",
            hint=shell_command(*words, "--purpose", "training", "--basis", "BASIS", "-m", "WHY"),
        )
    if grant.personal not in _PERSONAL:
        raise UsageError(f"--personal is one of {', '.join(_PERSONAL)}, not `{grant.personal}`")
    personal = _PERSONAL[grant.personal]
    basis = None
    if grant.basis is not None:
        if grant.basis not in _BASES:
            raise UsageError(f"--basis is one of {', '.join(_BASES)}, not `{grant.basis}`")
        basis = _BASES[grant.basis]
    elif personal != "none":
        raise UsageError(
            "data about people needs a lawful basis, --basis: "
            f"{', '.join(_BASES)} (GDPR Art. 6(1)); where it is about nobody, say"
            " --personal none"
        )
    return _Plan(
        action="grant",
        message=_refuse_address(message, "the message").strip(),
        purposes=purposes,
        basis=basis,
        personal=personal,
        reference=_check_reference(grant.reference),
        until=_check_day(grant.until),
    )


def _check_purposes(purposes: Sequence[str]) -> tuple[str, ...]:
    for purpose in purposes:
        if not _PURPOSE.fullmatch(purpose):
            raise UsageError(
                f"`{ascii(purpose)[1:-1]}` is no purpose; use 1 to 32 lower-case letters, digits,"
                " `_` and `-`, beginning with a letter, such as training"
            )
    return tuple(sorted(set(purposes)))


def _check_reference(reference: str | None) -> str | None:
    if reference is None:
        return None
    text = names.check_text(reference, "the reference").strip()
    if not text or len(text) > _MOST_TEXT or not text.isprintable():
        raise UsageError("the reference is one line of text: a contract, a form, a ticket")
    return _refuse_address(text, "the reference")


def _refuse_address(text: str, what: str) -> str:
    found = _ADDRESS.search(text)
    if found is not None:
        raise UsageError(
            f"{what} has an address, {ascii(found[0])[1:-1]}, and a record stays in git for ever:"
            " nobody that the data is about may be named there; name the contract, the form or the"
            " ticket instead"
        )
    return text


def _check_day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--until is a day such as 2027-12-31, not `{ascii(text)[1:-1]}`"
        ) from None
    return day.isoformat()


def _write_record(project: Project, data: str, plan: _Plan, *, dry_run: bool) -> AuthoriseResult:
    refuse_protected(project)
    commit = None
    outcome: AuthoriseOutcome = "granted" if plan.action == "grant" else "withdrawn"
    editing = open_edit(project, f"{_name_verb(plan)} {data}", dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        named = find_data(project, data)
        record, former = _build_record(project, named, plan)
        # Whoever was interrupted runs the command again, and means one record.
        if former and _say_same(former[-1], record):
            record, outcome = former[-1], "already"
            after = former
        else:
            _require_sense(former, record, data)
            after = [*former, record]
            if edit is not None:
                encoded = codec.encode_document("authorisation", record.to_document())
                edit.create_file(record.record_path, encoded)
                commit = edit.commit_files(f"{_describe(record, named)}\n\n{record.message}")
    return AuthoriseResult(
        data=str(record.data),
        name=named.name,
        action=record.action,
        outcome=outcome,
        basis=record.basis,
        purposes=record.purposes,
        personal=record.personal,
        reference=record.reference,
        until=record.until,
        message=record.message,
        live=tuple(list_live_purposes(after, project.record_time)),
        uses=find_data_uses(project.registry, record.data).uses,
        sequence=record.sequence,
        path=record.record_path,
        commit=commit,
        dry_run=dry_run,
    )


def _name_verb(plan: _Plan) -> str:
    return "authorise" if plan.action == "grant" else "authorise --withdraw"


def _describe(record: AuthorisationRecord, named: NamedData) -> str:
    verb = "authorise" if record.action == "grant" else "withdraw"
    purposes = f" for {', '.join(record.purposes)}" if record.purposes else ""
    # A subject stays short, however long the name of a version is.
    return f"mlver: {verb} {named.digest.hex[:12]}{purposes}"


def _build_record(
    project: Project, named: NamedData, plan: _Plan
) -> tuple[AuthorisationRecord, list[AuthorisationRecord]]:
    """Build the next record of a data set; return it with those before it."""
    folder = layout.authorisations_folder(named.digest)
    require_as_committed(project.repository, project.registry, folder)
    former = read_authorisations(project.registry, named.digest)
    sequence, prior = find_last_link(project.registry, folder)
    created = project.record_time
    require_possible_date(project, "authorisation", created)
    record = AuthorisationRecord(
        data=named.digest,
        sequence=sequence + 1,
        action=plan.action,
        created=created,
        author=project.repository.author(),
        message=plan.message,
        basis=plan.basis,
        purposes=plan.purposes,
        personal=plan.personal,
        reference=plan.reference,
        until=plan.until,
        prior=prior,
    )
    return record, former


def _say_same(last: AuthorisationRecord, record: AuthorisationRecord) -> bool:
    """Whether two records say the same of one data set, whoever said it when."""
    told = replace(
        record, sequence=last.sequence, created=last.created, author=last.author, prior=last.prior
    )
    return told == last


def _require_sense(
    former: Sequence[AuthorisationRecord], record: AuthorisationRecord, data: str
) -> None:
    """Raise MlverError for a withdrawal of what nobody allowed, or what was withdrawn already.

    Data of which nothing is recorded may be withdrawn: nobody trains on it then by mistake.
    """
    if record.action == "grant" or not former:
        return
    purposes = record.purposes or tuple(list_purposes(former))
    standings = [judge_standing(former, name, record.created).standing for name in purposes]
    if set(standings) <= {"withdrawn"}:
        raise MlverError(
            f"{data} is withdrawn already", hint=shell_command("mlver", "audit", "--data", data)
        )
