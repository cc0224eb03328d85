"""`mlver config`: read and change the settings of the repository and of a model.

A file that its schema refuses is never written, and what people wrote in it stays as it is:
comments, order and spacing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from mlver.document import codec
from mlver.document.schema import NEWEST_FORMATS
from mlver.document.values import parse_scalar
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.features.settings.keys import (
    FIXED,
    SettingKey,
    SettingsKind,
    find_key,
    is_placeholder,
    list_keys,
    suggest_key,
)
from mlver.project.edit.settings_file import amend_settings, write_settings
from mlver.project.project import Project
from mlver.project.remote.configured import build_remotes
from mlver.project.transaction import writing_files
from mlver.records import layout
from mlver.records.sections.remotes import read_remotes

_ENTRY_EXAMPLE = '{"metric": "accuracy", "min": 0.9}'
_GROUP_EXAMPLE = '{"bad": "outcome=\\"error\\"", "margin": 0.01}'

Action = Literal["get", "set", "list", "pin"]


@dataclass(frozen=True, slots=True)
class SettingValue:
    """`given`: the file itself says so. Otherwise the value is the default, or null without one."""

    key: str
    value: Any
    given: bool
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigResult:
    """`model` is null for the settings of the repository; `before` is what a changed key had."""

    action: Action
    path: str
    model: str | None
    settings: tuple[SettingValue, ...]
    before: Any
    changed: bool
    dry_run: bool

    @property
    def exit_code(self) -> int:
        """The answer of `get` is no where a key has neither a value nor a default."""
        is_missing = self.action == "get" and self.settings[0].value is None
        return 1 if is_missing else 0


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file of settings as it is now; `data` is None where there is none yet."""

    kind: SettingsKind
    model: str | None
    path: str
    data: bytes | None
    document: dict[str, Any]

    def describe_key(self, key: SettingKey, document: Mapping[str, Any]) -> SettingValue:
        value = _find_value(document, key.path)
        given = value is not None
        if not given:
            value = key.part.get("default")
        choices = " or ".join(key.part.get("enum", ()))
        description = key.part.get("description") or choices or None
        return SettingValue(key.name, value, given, description)


def list_settings(project: Project, model: str | None, *, every: bool = False) -> ConfigResult:
    """List what a file says, and the defaults of what it leaves out; `every` key with `every`."""
    file = read_settings_file(project, model)
    settings: list[SettingValue] = []
    for key in list_keys(file.kind, file.document):
        setting = file.describe_key(key, file.document)
        has_value = setting.value is not None and not is_placeholder(key)
        if has_value or (every and not setting.given):
            settings.append(setting)
    settings += _list_unknown(file)
    return _build_result("list", file, settings)


def get_setting(project: Project, model: str | None, name: str) -> ConfigResult:
    """Raise UsageError for a key that there cannot be."""
    file = read_settings_file(project, model)
    key = _require_key(project, file, "get", name, ())
    return _build_result("get", file, [file.describe_key(key, file.document)])


def set_setting(
    project: Project, model: str | None, name: str, words: Sequence[str], *, dry_run: bool
) -> ConfigResult:
    """Give a key the value that `words` say, one entry each for a list; without words, take it out.

    Raise UsageError for a key that there cannot be and for a value of another type, InvalidDocument
    for what the schema refuses. Then nothing was written.
    """
    doing = shell_command("config", "set", name)
    with nullcontext() if dry_run else writing_files(project, doing):
        # Read here, with the lock held: another command may just have changed it.
        file = read_settings_file(project, model)
        key = _require_key(project, file, "set", name, words)
        wanted = copy.deepcopy(file.document)
        if words:
            _put_value(wanted, key.path, _parse_value(key, words))
        else:
            _drop_value(wanted, file.kind, key.path)
        hint = shell_command("mlver", "config", "list", *_name_model(file), "--all")
        data = amend_settings(file.kind, file.path, file.data, wanted, hint=hint)
        _require_stages(wanted)
        _require_addresses(wanted)
        changed = wanted != file.document
        if changed and not dry_run:
            write_settings(project, file.path, data)
    return ConfigResult(
        action="set",
        path=file.path,
        model=file.model,
        settings=(file.describe_key(key, wanted),),
        before=_find_value(file.document, key.path),
        changed=changed,
        dry_run=dry_run,
    )


def _build_result(
    action: Action, file: SettingsFile, settings: Sequence[SettingValue]
) -> ConfigResult:
    return ConfigResult(
        action=action,
        path=file.path,
        model=file.model,
        settings=tuple(settings),
        before=None,
        changed=False,
        dry_run=False,
    )


def read_settings_file(project: Project, model: str | None) -> SettingsFile:
    """Read a file of settings; raise InvalidDocument with all its faults where it is not valid."""
    kind: SettingsKind = "config"
    path = layout.CONFIG
    fresh: dict[str, Any] = {"schema": f"mlver/config/{NEWEST_FORMATS['config']}"}
    if model is not None:
        kind = "model"
        model = project.resolve_model(model)
        path = layout.settings_path(model)
        fresh = {"schema": f"mlver/model/{NEWEST_FORMATS['model']}", "model": model}
    data = project.registry.read_file(path)
    if data is None:
        if model is None:
            raise MlverError(f"{path} is missing", hint="mlver init")
        return SettingsFile(kind, model, path, None, fresh)
    document = codec.decode_document(kind, data, path)
    if model is not None:
        # A file in the folder of another model is refused, as it is everywhere.
        project.registry.read_settings(model)
    return SettingsFile(kind, model, path, data, document)


def _list_unknown(file: SettingsFile) -> Iterator[SettingValue]:
    """Yield the sections that this mlver does not know, whole."""
    for name, value in file.document.items():
        if name not in FIXED and find_key(file.kind, name) is None:
            yield SettingValue(name, value, given=True, description=None)


def _require_key(
    project: Project, file: SettingsFile, action: Action, name: str, words: Sequence[str]
) -> SettingKey:
    key = find_key(file.kind, name)
    if key is not None:
        return key
    hint = shell_command("mlver", "config", "list", *_name_model(file), "--all")
    if name == "schema" or (name == "model" and file.model is not None):
        raise UsageError(f"`{name}` says what {file.path} is, and stays", hint=hint)
    if file.model is None and find_key("model", name) is not None:
        known = project.registry.list_models()
        model = known[0] if len(known) == 1 else "MODEL"
        again = ["mlver", "config", action, "--model", model, name, *words]
        raise UsageError(
            f"`{name}` is a setting of a model; say of which", hint=shell_command(*again)
        )
    message = f"{file.path} has no setting `{name}`"
    similar_name = suggest_key(file.kind, name)
    if similar_name is not None:
        message += f"; did you mean `{similar_name}`?"
    raise UsageError(message, hint=hint)


def _name_model(file: SettingsFile) -> tuple[str, ...]:
    return () if file.model is None else ("--model", file.model)


def _find_value(document: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = document
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _put_value(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *parents, last = path
    for name in parents:
        document = document.setdefault(name, {})
    document[last] = value


def _drop_value(document: dict[str, Any], kind: SettingsKind, path: tuple[str, ...]) -> None:
    """Take a value out, and each section that is empty without it.

    A stage or a data set stays, though nothing is said of it any more.
    """
    group = _find_value(document, path[:-1])
    if not isinstance(group, dict) or path[-1] not in group:
        return
    del group[path[-1]]
    parent = find_key(kind, ".".join(path[:-1]))
    if not group and parent is not None and not parent.is_named:
        _drop_value(document, kind, parent.path)


def _parse_value(key: SettingKey, words: Sequence[str]) -> Any:
    """Read words as a value of the key's type; the schema judges what it says."""
    if key.is_group and key.is_named and len(words) == 1:
        # Some of its settings are only valid together.
        return _parse_map(key, words[0], _GROUP_EXAMPLE)
    if key.is_group:
        raise UsageError(f"`{key.name}` is a group of settings; name one of them")
    kind = key.part.get("type")
    if kind == "array":
        # Entries that are maps are of one kind or another.
        kinds = key.part.get("items", {}).get("if", {})
        is_map = kinds.get("type") == "object"
        return [_parse_map(key, word, _ENTRY_EXAMPLE) for word in words] if is_map else list(words)
    if len(words) > 1:
        raise UsageError(
            f"`{key.name}` takes one value, and {len(words)} were given; quote a text with blanks"
        )
    if kind in ("boolean", "integer", "number"):
        return parse_scalar(words[0])
    return words[0]


def _parse_map(key: SettingKey, word: str, example: str) -> Any:
    """Read an entry or a group that is a map, as JSON writes one."""
    value = parse_scalar(word)
    if not isinstance(value, dict):
        raise UsageError(
            f"`{key.name}` takes maps as JSON writes them, and `{word}` is none",
            hint=shell_command("mlver", "config", "set", key.name, example),
        )
    return value


def _require_stages(document: Mapping[str, Any]) -> None:
    """Raise MlverError where a stage comes after one that there is not: nothing could reach it."""
    stages = document.get("stages")
    if not isinstance(stages, dict):
        return
    for name, rule in stages.items():
        given = rule.get("after") if isinstance(rule, dict) else None
        for before in given if isinstance(given, list) else ():
            if before not in stages:
                raise MlverError(
                    f"{name} would come after {printable_name(str(before))}, and there is no such"
                    f" stage; there are {', '.join(stages)}",
                    hint=shell_command("mlver", "config", "list"),
                )


def _require_addresses(document: Mapping[str, Any]) -> None:
    """Raise MlverError where the address of a remote is one that nobody may use."""
    remotes = document.get("remotes")
    if isinstance(remotes, dict):
        for remote in build_remotes(read_remotes(remotes)):
            remote.require_usable()
