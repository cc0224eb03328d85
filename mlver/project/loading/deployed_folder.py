"""Versions from a folder that `mlver deploy` wrote in the layout `directories`; git is not needed.

A link (`stable`, `canary`) leads to the folder of a version, which holds its files and
`mlver.json`. Deploying moves the link by a rename. Whoever follows it again for each file reads
files of two versions: here it is read once, and everything else is below what it named.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlver import names
from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.project.loading.found import FoundModel
from mlver.project.predictions.identity import ServedIdentity
from mlver.system.parallel import hash_descriptor
from mlver.system.regular import open_regular, read_regular

IDENTITY_FILE = "mlver.json"
_IDENTITY_BYTES = 64 << 20
_SHA256_DIGITS = 64
# A version may leave while it is read: the link leads elsewhere by then.
_ATTEMPTS = 3
_TEXTS = ("model", "version", "digest", "stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFolder:
    """The version that the link `role` in a folder leads to, served for a stage of a model."""

    folder: Path
    model: str
    stage: str
    role: str = "stable"

    def read_state(self) -> object:
        """Read where the link leads, and what is said there."""
        place = self._resolve_link()
        return place, hashlib.sha256(_read_identity(place)).digest()

    def find_model(self) -> FoundModel:
        """Find the version behind the link, and hash every file of it."""
        for attempt in range(_ATTEMPTS):
            place = self._resolve_link()
            try:
                return self._prove_version(place)
            except MlverError:
                is_last = attempt == _ATTEMPTS - 1
                if is_last or self._resolve_link() == place:
                    raise
        raise AssertionError  # the last attempt returns or raises

    def _resolve_link(self) -> Path:
        """Read the link once; raise MlverError where it leads to no folder of a version here."""
        link = self.folder / self.role
        try:
            target = PurePosixPath(link.readlink())
        except FileNotFoundError:
            raise self._describe_lack() from None
        except OSError as error:
            raise refusal_error(f"reading the link {self.role}", error, outcome="") from error
        if target.is_absolute() or ".." in target.parts or not target.parts:
            raise MlverError(
                f"{printable_name(str(link))} leads out of its folder, which no deployment does",
                hint=shell_command("ls", "-l", self.folder),
            )
        return self.folder / target

    def _describe_lack(self) -> MlverError:
        """Nobody deployed a version in this role: a candidate is there while it has a share."""
        lack = (
            f"{printable_name(str(self.folder))} has no version as {self.role}: none was deployed"
            " there, or it left"
        )
        deploy = "mlver deploy TARGET"
        if self.role == "stable":
            return MlverError(lack, hint=deploy)
        words = ("rollout", "REF", "--to", self.stage, "--share", "10", "-m", "WHY")
        return MlverError(lack, hints=(shell_command("mlver", *words), deploy))

    def _prove_version(self, place: Path) -> FoundModel:
        described = _parse_identity(_read_identity(place), place)
        identity = ServedIdentity(
            **{key: described[key] for key in _TEXTS},
            sequence=described["sequence"],
            variant=self.role,
        )
        self._require_asked(identity, place)
        files: Mapping[str, str] = described["files"]
        _require_only(place, files)
        for path, digest in files.items():
            _prove_file(place, path, digest)
        return FoundModel(identity=identity, weights=place / _find_weights(described))

    def _require_asked(self, identity: ServedIdentity, place: Path) -> None:
        if (identity.model, identity.stage) != (self.model, self.stage):
            found = printable_name(f"{identity.model} {identity.version} of {identity.stage}")
            raise UsageError(
                f"{self.role} in {printable_name(str(self.folder))} is {found}, not {self.model} of"
                f" {self.stage}",
                hint=shell_command("cat", place / IDENTITY_FILE),
            )


def _read_identity(place: Path) -> bytes:
    path = place / IDENTITY_FILE
    try:
        data = read_regular(path, _IDENTITY_BYTES + 1)
    except OSError as error:
        doing = f"reading what {printable_name(str(place))} holds"
        raise refusal_error(doing, error, outcome="") from error
    if len(data) > _IDENTITY_BYTES:
        raise _identity_error(path, "is larger than 64 MiB")
    return data


def _identity_error(path: Path, fault: str) -> MlverError:
    return MlverError(
        f"{printable_name(str(path))} {fault}, so nobody can tell what is served there",
        hint=shell_command("mlver", "deploy", "TARGET"),
    )


def _parse_identity(data: bytes, place: Path) -> Mapping[str, Any]:
    """Parse what a version's folder says of itself; raise MlverError for anything else."""
    path = place / IDENTITY_FILE
    try:
        described = json.loads(data)
    except (ValueError, RecursionError):
        raise _identity_error(path, "is no JSON") from None
    if not isinstance(described, dict):
        raise _identity_error(path, "is no JSON object")
    for key in _TEXTS:
        if not isinstance(described.get(key), str):
            raise _identity_error(path, f"does not name the {key}")
    sequence = described.get("sequence")
    if isinstance(sequence, bool) or not isinstance(sequence, int):
        raise _identity_error(path, "has no `sequence`")
    _check_files(described.get("files"), path)
    weights = described.get("weights")
    if weights is not None and (not isinstance(weights, str) or names.find_path_fault(weights)):
        raise _identity_error(path, "has `weights` that are no path in it")
    return described


def _check_files(files: object, path: Path) -> None:
    if not isinstance(files, dict) or not files:
        raise _identity_error(path, "lists no files")
    for name, digest in files.items():
        fault = names.find_path_fault(name)
        if fault is not None:
            raise _identity_error(path, f"lists {printable_name(name)}, which {fault}")
        if not isinstance(digest, str):
            raise _identity_error(path, f"has no digest of {printable_name(name)}")


def _require_only(place: Path, files: Mapping[str, str]) -> None:
    """Raise MlverError for a file that is not listed: a loader opens whatever lies in a folder."""
    found: set[str] = set()
    for top, folders, leaves in os.walk(place):
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        below = (Path(top, name).relative_to(place).as_posix() for name in (*leaves, *links))
        found.update(below)
    for name in sorted(found - set(files) - {IDENTITY_FILE}):
        raise MlverError(
            f"{printable_name(str(place / name))} is no file of that version; move it away",
            hint=shell_command("ls", "-ld", "--", place / name),
        )


def _prove_file(place: Path, name: str, expected: str) -> None:
    path = place / name
    try:
        descriptor = open_regular(path)
        try:
            digest, _ = hash_descriptor(descriptor, None, _ignore_progress)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refusal_error(f"reading {printable_name(str(path))}", error, outcome="") from error
    if digest != expected[-_SHA256_DIGITS:]:
        raise MlverError(
            f"{printable_name(str(path))} does not hold the bytes that were deployed",
            hint=shell_command("mlver", "deploy", "TARGET"),
        )


def _ignore_progress(count: int) -> None:
    """Nobody waits for it."""


def _find_weights(described: Mapping[str, Any]) -> str:
    """Find what a loader is given: the weights as named, else the file or folder that holds all."""
    if described.get("weights") is not None:
        return str(described["weights"])
    paths = list(described["files"])
    if len(paths) == 1:
        return str(paths[0])
    return os.path.commonpath([str(PurePosixPath(path).parent) for path in paths])
