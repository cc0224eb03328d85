"""What data may be used for is recorded by its digest, and a withdrawal names what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

DATA = "digits@1.0.0:train"
GRANT = ("--basis", "consent", "--purpose", "training")


def find_digest(repository: Repository, version: str = "1.0.0") -> Digest:
    record, _ = Project.open_existing(repository.path).registry.read_version("digits", version)
    return record.data["train"].digest


def place(repository: Repository, sequence: int) -> str:
    return layout.authorisation_path(find_digest(repository), sequence)


@pytest.fixture
def granted(second: Repository) -> Repository:
    """With the data of digits 1.0.0 authorised for training and evaluation, then withdrawn."""
    assert_works(second, "authorise", DATA, *GRANT, "--purpose", "evaluation", "-m", "Agreed")
    assert_works(second, "authorise", DATA, "--withdraw", "-m", "Ticket 4711")
    return second


def test_a_grant_is_one_record_and_one_commit(second: Repository) -> None:
    terms = ("--until", "2027-12-31", "--reference", "form 7", "--personal", "special")
    said = assert_works(second, "authorise", DATA, *GRANT, *terms, "-m", "Agreed")
    assert said == (
        f"Authorised {DATA} for training  (consent, until 2027-12-31)\n"
        "  Agreed\n"
        "  may be used for training\n"
    )
    path = place(second, 1)
    digest = find_digest(second)
    changed = second.git("show", "--format=%s", "--name-only", "HEAD").split()
    assert changed == ["mlver:", "authorise", digest.hex[:12], "for", "training", path]
    assert (second.path / path).read_text() == (
        "schema: mlver/authorisation/1\n"
        f'data: "{digest}"\n'
        "sequence: 1\n"
        "action: grant\n"
        'created: "2026-01-02T03:04:05Z"\n'
        "author: Kim <kim@example.org>\n"
        "message: Agreed\n"
        "basis: consent\n"
        "purposes:\n  - training\n"
        "personal: special\n"
        "reference: form 7\n"
        'until: "2027-12-31"\n'
        "prior: null\n"
    )
    assert_works(second, "verify", "--all")


def test_a_withdrawal_names_what_was_trained_on_the_data(second: Repository) -> None:
    assert_works(second, "authorise", DATA, *GRANT, "-m", "Agreed")
    done = second.mlver("authorise", DATA, "--withdraw", "-m", "Ticket 4711", "--json")
    document = read_document(done, "authorise")
    assert (document["outcome"], document["live"], document["sequence"]) == ("withdrawn", [], 2)
    uses = [(use["version"], use["names"], use["stages"]) for use in document["uses"]]
    assert ("1.0.0", ["train"], ["production"]) in uses
    again = assert_refused(second, "authorise", DATA, "--withdraw", "-m", "Another reason")
    assert again.startswith(f"error: {DATA} is withdrawn already\n")
    assert_works(second, "verify", "--all")
    assert_works(second, "doctor")


def test_a_withdrawal_of_one_purpose_leaves_the_others(second: Repository) -> None:
    assert_works(second, "authorise", DATA, *GRANT, "--purpose", "evaluation", "-m", "Agreed")
    said = assert_works(
        second, "authorise", DATA, "--withdraw", "--purpose", "training", "-m", "Ticket 4711"
    )
    assert "  may still be used for evaluation\n" in said


def test_the_same_again_changes_nothing(granted: Repository) -> None:
    head = granted.git("rev-parse", "HEAD")
    said = assert_works(granted, "authorise", DATA, "--withdraw", "-m", "Ticket 4711")
    assert said.startswith(f"record 2 of {DATA} already says this\n")
    assert granted.git("rev-parse", "HEAD") == head


def test_a_dry_run_writes_nothing(second: Repository) -> None:
    head = second.git("rev-parse", "HEAD")
    done = second.mlver("authorise", DATA, *GRANT, "-m", "Agreed", "--dry-run", "--json")
    document = read_document(done, "authorise")
    assert (document["path"], document["commit"]) == (place(second, 1), None)
    assert (second.git("rev-parse", "HEAD"), second.git("status", "--porcelain")) == (head, "")


def test_data_is_authorised_before_anybody_trains_on_it(second: Repository) -> None:
    assert_works(second, "authorise", f"sha256:{'7' * 64}", *GRANT, "-m", "Agreed")
    # It is known then, so that a few digits do.
    assert_works(second, "authorise", "sha256:7777777", "--withdraw", "-m", "Not after all")
    said = assert_refused(second, "authorise", "sha256:8888888", *GRANT, "-m", "Agreed")
    assert said.startswith("error: no data set here begins with sha256:8888888; ")


def test_the_digest_of_one_file_finds_the_directories_that_hold_it(second: Repository) -> None:
    second.write("faces/1.png", "one person")
    second.write("faces/2.png", "another")
    second.commit("Faces")
    more = ("--data", "faces=faces", "--bump", "minor", "-m", "More")
    assert_works(second, "register", "digits", "--allow-dirty", *more)
    person = Digest.of_bytes(b"one person")
    done = second.mlver("authorise", str(person), "--withdraw", "-m", "Ticket 4711", "--json")
    uses = read_document(done, "authorise")["uses"]
    assert [(use["version"], use["names"]) for use in uses] == [("1.2.0", ["faces"])]


WRONG = {
    "nothing for": (("--basis", "consent"), "an authorisation says what for"),
    "no basis": (("--purpose", "training"), "data about people needs a lawful basis"),
    "an odd purpose": (("--basis", "consent", "--purpose", "A b"), "`A b` is no purpose; "),
    "no day": ((*GRANT, "--until", "soon"), "--until is a day such as 2027-12-31, not `soon`"),
    "no such day": ((*GRANT, "--until", "2027-02-30"), "--until is a day such as"),
    "a past day": ((*GRANT, "--until", "2025-12-31"), "--until 2025-12-31 has passed"),
    "an address": ((*GRANT, "--reference", "ana@example.org"), "the reference has an address"),
    "two lines": ((*GRANT, "--reference", "a\nb"), "the reference is one line of text"),
    "a basis of a withdrawal": ((*GRANT, "--withdraw"), "--basis, --personal and --until are"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_says_nothing_or_too_much_is_refused(second: Repository, name: str) -> None:
    words, message = WRONG[name]
    said = assert_refused(second, "authorise", DATA, *words, "-m", "Agreed", code=2)
    assert said.startswith(f"error: {message}")
    assert not (second.path / layout.AUTHORISATIONS).exists()


def test_a_persons_address_is_refused_as_a_reason(second: Repository) -> None:
    said = assert_refused(second, "authorise", DATA, *GRANT, "-m", "by ana@example.org", code=2)
    assert said.startswith("error: the message has an address, ana@example.org, ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("digits@1.0.0:trian", "digits 1.0.0 has no data set `trian`, but train; did you mean"),
        ("golden", "`golden` is neither a pinned data set (none is pinned) nor a path"),
        ("sha256:xyz", "`sha256:xyz` is no digest"),
        ("digits@9.9.9:train", "digits has no version 9.9.9"),
    ],
)
def test_data_that_is_not_there_is_refused(second: Repository, data: str, message: str) -> None:
    done = second.mlver("authorise", data, *GRANT, "-m", "Agreed")
    assert done.err.startswith(f"error: {message}")


def list_broken(repository: Repository, *command: str) -> list[tuple[str, str]]:
    done = repository.mlver(*(command or ("verify", "--all")), "--json")
    kind = command[0] if command else "verify"
    return [(link["kind"], link["subject"]) for link in read_document(done, kind)["broken"]]


def test_an_edited_or_removed_record_is_damage(granted: Repository) -> None:
    first, second = place(granted, 1), place(granted, 2)
    text = (granted.path / first).read_text()
    granted.write(first, text.replace("evaluation", "everything"))
    assert ("record", first) in list_broken(granted)
    granted.commit("Edit")
    assert {("history", first), ("chain", second)} <= set(list_broken(granted))
    granted.git("rm", "--quiet", first)
    granted.commit("Remove")
    assert {("history", first), ("chain", second)} <= set(list_broken(granted))


def test_a_removed_withdrawal_is_damage_and_stops_the_next_record(granted: Repository) -> None:
    second = place(granted, 2)
    (granted.path / second).unlink()
    assert ("record", second) in list_broken(granted)
    said = assert_refused(granted, "authorise", DATA, *GRANT, "-m", "Again")
    assert said.startswith(f"error: {second} is not what HEAD has there")


FORGED: dict[str, Any] = {
    "a record put in": lambda text: text.replace("sequence: 2", "sequence: 3"),
    "a grant of nothing": lambda text: text.replace("sequence: 2", "sequence: 3").replace(
        "action: withdraw", "action: grant"
    ),
    "no YAML": lambda text: "\x00",
    "a nested bomb": lambda text: "[" * 10_000,
    "another place": lambda text: text,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_record_is_refused_at_the_door_and_named_later(
    granted: Repository, name: str
) -> None:
    third = place(granted, 3)
    granted.write(third, FORGED[name]((granted.path / place(granted, 2)).read_text()))
    granted.git("add", third)
    assert third in [subject for _, subject in list_broken(granted, "hook", "check")]
    granted.commit("Forge it")
    assert third in [subject for _, subject in list_broken(granted)]


@pytest.mark.parametrize("name", ["readme.md", "0001.yaml", f"{'a' * 64}/1.yaml", "AB/0001.yaml"])
def test_what_is_no_record_has_no_place_there(granted: Repository, name: str) -> None:
    path = f"{layout.AUTHORISATIONS}/{name}"
    granted.write(path, "x")
    granted.git("add", path)
    assert ("name", path) in list_broken(granted, "hook", "check")
    granted.commit("Stray")
    assert ("name", path) in list_broken(granted)


def test_a_folder_behind_a_symlink_is_named(granted: Repository, tmp_path: Path) -> None:
    link = f"{layout.AUTHORISATIONS}/{'a' * 64}"
    (granted.path / link).symlink_to(tmp_path)
    assert ("name", link) in list_broken(granted)
