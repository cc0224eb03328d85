"""Judges a remote and the forge beside it from their files alone.

A content counts as stored on the remote if somebody could get all of its bytes there, and a version
as published once a reference of the forge leads to its record.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.faults.disk import FORGE
from tests.faults.ground import WorkPlace
from tests.faults.preparations_of_remotes import BUCKET

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LINE = re.compile(rb"([0-9a-f]{64}) (\d{12}) (\d{12})\n")
# Not of the machine that loses its power, and what a fetch brings again.
ELSEWHERE = ("forge:", "git:refs/remotes/")
# Where git cannot push this, a note says so, and the next push does it.
NOTED = "forge:refs/mlver/"
# What a killed git leaves there, the next push removes; and the next gc, what gc leaves.
LATER_RECORD = "a record of gc was left behind:"
# What a killed deployment leaves in its target, the next one removes.
LATER = (".git/refs/remotes/", LATER_RECORD, "serving/")


def collect_remote_facts(place: WorkPlace, stored: set[str]) -> dict[str, str]:
    """What the remote has whole, as `bucket:`, and the references of the forge, as `forge:`.

    A push writes git's own settings as well (`settings:`).

    `stored` are the contents that are here: git must never name one of them there that the remote
    lacks, and each that it does is a fact of its own, which no sound state has.
    """
    bucket, forge = place.path / BUCKET, place.path / FORGE
    if not bucket.is_dir():
        return {}
    whole = list_bucket_digests(bucket)
    found = {f"bucket:{digest}": "whole" for digest in whole}
    for record in _read_records(bucket):
        if record["state"] == "condemned":
            found |= dict.fromkeys((f"condemned:{key}" for key in record["keys"]), "condemned")
    found["settings:"] = (place.path / ".git/config").read_text()
    for path in sorted((forge / "refs").rglob("*")):
        if path.is_file() and path.suffix != ".lock":
            oid = path.read_text().strip()
            found[f"forge:{path.relative_to(forge).as_posix()}"] = oid
            for digest in sorted(_list_named_digests(forge, oid) & (stored - whole)):
                found[f"promise:{digest}"] = "git names it, and the remote lacks it"
    return found


def list_bucket_digests(bucket: Path) -> set[str]:
    """The digests of all contents that the remote holds whole, as its format describes it."""
    whole = {path.name for path in (bucket / "objects").glob("??/*") if _is_named_right(path)}
    for path in (bucket / "packs").glob("*.idx"):
        pack = path.with_suffix(".pack")
        if _is_named_right(path, path.stem) and pack.exists():
            whole |= _list_members(path.read_bytes(), pack.read_bytes())
    for path in (bucket / "recipes").glob("??/*"):
        with suppress(ValueError, KeyError, TypeError):
            parts = json.loads(path.read_bytes())["parts"]
            places = [bucket / "parts" / part["sha256"][:2] / part["sha256"] for part in parts]
            data = b"".join(place.read_bytes() for place in places if place.exists())
            if hashlib.sha256(data).hexdigest() == path.name:
                whole.add(path.name)
    return whole


def list_pins(place: WorkPlace) -> list[str]:
    """What pushes that did not end left pinned: gc removes it once it is old."""
    return sorted(path.name for path in (place.path / BUCKET / "pins").glob("*.json"))


def list_passing_records(place: WorkPlace) -> list[str]:
    """The records that gc makes while it is at work: what it proposes, and what it deletes."""
    records = _read_records(place.path / BUCKET)
    return sorted(record["state"] for record in records if record["state"] != "condemned")


def _read_records(bucket: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (bucket / "condemned").glob("*.json")]


def list_needed_digests(place: WorkPlace) -> set[str]:
    """Every SHA-256 that stands in a record or manifest which a reference leads to."""
    found: set[str] = set()
    for repository in (place.path / ".git", place.path / FORGE):
        if repository.is_dir():
            command = ["git", "--git-dir", os.fspath(repository), "rev-list", "--all", "HEAD"]
            done = subprocess.run(command, capture_output=True, check=False, text=True)
            for commit in done.stdout.split():
                found |= _list_named_digests(repository, commit)
    return found


def _is_named_right(path: Path, name: str = "") -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == (name or path.name)


def _list_members(index: bytes, pack: bytes) -> set[str]:
    found = set()
    for digest, offset, size in _LINE.findall(index):
        content = pack[int(offset) : int(offset) + int(size)]
        if hashlib.sha256(content).hexdigest() == digest.decode():
            found.add(digest.decode())
    return found


@cache
def _list_named_digests(forge: Path, oid: str) -> set[str]:
    """Every SHA-256 that stands in a record or manifest of a commit."""
    command = [
        "git",
        "--git-dir",
        os.fspath(forge),
        "grep",
        "--no-color",
        "-h",
        "-E",
        "[0-9a-f]{64}",
    ]
    done = subprocess.run(
        [*command, f"{oid}^{{commit}}", "--", ".mlver"], capture_output=True, check=False, text=True
    )
    if done.returncode > 1:
        return set()
    return set(_DIGEST.findall(done.stdout))
