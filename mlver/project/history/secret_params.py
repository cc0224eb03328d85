"""Secret parameters on their way into a record: encrypted, and nowhere else in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlver.content.encryption import encrypt_value
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.project import Project
from mlver.project.worktree import value_files
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord

# Shorter texts, such as `on` or `eu`, stand in a record by chance.
_LEAST_LENGTH = 4


def encrypt_params(secret: Mapping[str, Any], settings: EncryptSettings) -> dict[str, str]:
    """Encrypt each of these parameters; raise MlverError where nobody is named who could read."""
    if secret and not settings.recipients:
        names = ", ".join(map(printable_name, secret))
        raise MlverError(
            f"nobody is named who could read the secret params {names} (encrypt.recipients)",
            hint=shell_command("mlver", "config", "set", "encrypt.recipients", "PUBLIC_KEY"),
        )
    encrypted: dict[str, str] = {}
    for name, value in secret.items():
        encrypted[name] = encrypt_value(value, name, settings.recipients)
    return encrypted


def refuse_tracked(
    project: Project, files: Sequence[str], keys: Sequence[str], settings: EncryptSettings
) -> None:
    """Raise MlverError where git holds a file with a secret parameter: it keeps that for ever."""
    if not settings.params or not files:
        return
    for file in sorted(project.repository.tracked(files)):
        values = value_files.gather_values(project.top_folder, [file], (), keys)
        secret = settings.split_params(values).secret
        if secret:
            names = ", ".join(map(printable_name, secret))
            raise MlverError(
                f"{printable_name(file)} is in git, and holds {names} in plain text, which"
                " encrypt.params calls secret; take the file out of git, or the value out of it"
                " (--param gives it), and change a secret that was pushed",
                hint=shell_command("git", "rm", "--cached", "--", file),
            )


def refuse_exposed(record: VersionRecord, secret: Mapping[str, Any]) -> None:
    """Raise UsageError where a record has the text of a secret parameter elsewhere."""
    exposed = find_exposed(_list_given(record), secret)
    if exposed is not None:
        raise build_exposed_error(*exposed)


def find_exposed(given: Mapping[str, Any], secret: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find a secret parameter whose text stands in what is about to be recorded in plain text.

    Return its name, and the place where it stands; None where there is none.
    """
    texts = _list_texts(secret)
    if not texts:
        return None
    for place, text in _walk_texts(given, ""):
        for name, secret_text in texts.items():
            if secret_text in text:
                return name, place
    return None


def build_exposed_error(name: str, place: str) -> UsageError:
    """Build the error for a secret parameter that would be recorded in plain text."""
    return UsageError(
        f"the secret param {printable_name(name)} also stands in {printable_name(place)} of the"
        " record, in plain text; say it differently"
    )


def _list_given(record: VersionRecord) -> dict[str, Any]:
    """List what a person or their files gave a record: a secret can only come from there."""
    document = record.to_document()
    given = {key: document.get(key) for key in ("message", "params", "labels", "extra")}
    if record.environment is not None:
        given["command"] = record.environment.command
    return given


def _list_texts(secret: Mapping[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in secret.items():
        inner = flatten_values(value) if isinstance(value, Mapping) else {"": value}
        for leaf, text in _walk_texts(inner, name):
            if len(text) >= _LEAST_LENGTH:
                texts[leaf] = text
    return texts


def _walk_texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a value with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            where = f"{place}.{key}" if place and key else place or key
            yield from _walk_texts(inner, where)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _walk_texts(inner, place)
