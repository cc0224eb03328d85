"""The settings of a server that a person wrote, for layouts that build upon them."""

from __future__ import annotations

from mlver import names, paths
from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.serving.rendering import ServingOptions
from mlver.policy.serving.served import ServedTarget
from mlver.project.artifacts import storing
from mlver.project.project import Project
from mlver.project.serving.targets import FoundTarget
from mlver.storage.digests import DigestSet
from mlver.system.regular import read_regular

OPTION = "config"
_MOST_BYTES = 1 << 20


def read_options(project: Project, target: FoundTarget, served: ServedTarget) -> ServingOptions:
    """The options of a layout, where `config` is the text of the file and not its path.

    It is the file that the settings name, else the one among the files of the stable version.
    Raise MlverError where it cannot be read.
    """
    options = target.settings.options
    name = target.layout.config_name
    if name is None:
        return options
    if OPTION in options:
        data = _read_working(project, target, str(options[OPTION]))
        return {**options, OPTION: _decode(data, str(options[OPTION]))}
    version = served.stable or served.canary
    if version is None or name not in version.files:
        return options
    stored = storing.open_store(project)
    for _, data in stored.read_small(DigestSet.from_digests([version.files[name]]), _MOST_BYTES):
        return {**options, OPTION: _decode(data, name)}
    ref = f"{version.model}@{version.version}"
    raise MlverError(
        f"the {name} of {ref} is not here, is damaged, or has more than {_MOST_BYTES} bytes",
        hint=shell_command("mlver", "pull", ref),
    )


def _read_working(project: Project, target: FoundTarget, path: str) -> bytes:
    """Read a file of the work tree that the settings name; no link is followed."""
    shown = printable_name(path)
    try:
        whole = paths.join_inside(project.top_folder, names.check_artifact_path(path))
        data = read_regular(whole, _MOST_BYTES + 1)
    except OSError as error:
        raise MlverError(
            f"{shown}, the option `{OPTION}` of {target.name}, cannot be read: {error.strerror}",
            hint=shell_command("mlver", "config", "get", f"deploy.{target.name}.options"),
        ) from None
    if len(data) > _MOST_BYTES:
        raise MlverError(f"{shown} has more than {_MOST_BYTES} bytes, too many for settings")
    return data


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MlverError(f"{printable_name(name)} is not UTF-8 text; save it in UTF-8") from None
