"""Judges whether a repository is as it should be after a fault.

It reads the files, and does not ask mlver about them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import struct
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.transaction import editing
from tests.faults.ground import WorkPlace
from tests.faults.oracle_of_parts import list_rebuilt_digests
from tests.faults.oracle_of_remotes import (
    LATER_RECORD,
    collect_remote_facts,
    list_needed_digests,
    list_passing_records,
    list_pins,
)
from tests.faults.run import call_in_process, run_in_process

Facts = Mapping[str, str]
# More of them than there were do no harm.
_CONTENTS = ("object:", "bucket:")
_TEMPORARY = re.compile(r"\.mlver-tmp-[^/]*")
# They tell who holds them, and since when.
_LOCKS = ("lock", "watch/lock")
# Of a work tree beside this one, too: both hold the times of files.
_INDEX = re.compile(r"\.git/(worktrees/[^/]+/)?index")
_GITS = re.compile(r"(tmp_obj_|next-index-|\.git/index\.)[^/]*")
# Pins have random names, and those of what was read at a remote tell when it was stored.
_PIN = re.compile(r"^(\.git/bucket/pins)/[0-9a-f]{32}\b")
_RECORD = re.compile(r"^(\.git/bucket/condemned)/[0-9a-z]+-[0-9a-f]{8}\.json$")
_KEPT = re.compile(r"^(\.git/mlver/remotes)/[0-9a-f]{64}$")
# What is set aside, and the mark on what was damaged, end in a random number.
_TRASH = re.compile(r"^(\.git/mlver/trash)/[0-9]{8}T[0-9]{6}Z")
_ASIDE = re.compile(r"^(\.git/mlver/.*)-[0-9a-f]{8,12}$")


def collect_facts(place: WorkPlace) -> dict[str, str]:
    """All that could be lost: files, references, index entries and objects, each with its content.

    Keys begin with `file:` (the work tree), `record:` (`.mlver/`), `git:` (references, HEAD, index)
    or `object:`, and those of a remote as `collect_remote_facts` says.
    """
    found: dict[str, str] = {}
    for path in _list_files(place.path, skip=".git"):
        if not _TEMPORARY.search(path):
            kind = "record" if path.startswith(".mlver/") else "file"
            found[f"{kind}:{path}"] = _describe_file(place.path / path)
    found |= {f"git:{name}": oid for name, oid in read_references(place.path / ".git").items()}
    found |= {
        f"git:index:{path}": entry for path, entry in read_index(place.path / ".git/index").items()
    }
    stored = list_stored_digests(place.mlver_directory)
    stored |= list_rebuilt_digests(place.mlver_directory, stored)
    found |= {f"object:{digest}": "whole" for digest in stored}
    found |= collect_remote_facts(place, stored)
    for digest in list_damaged_digests(place.mlver_directory):
        found[f"damaged:{digest}"] = "kept"
    return found


def read_references(git: Path) -> dict[str, str]:
    """HEAD and all references, read from their files.

    A git process each time would be most of a campaign.
    """
    found = {"HEAD": (git / "HEAD").read_text()}
    with suppress(FileNotFoundError):
        for line in (git / "packed-refs").read_text().splitlines():
            if line[0] not in "#^":
                oid, _, name = line.partition(" ")
                found[name] = oid
    for path in (git / "refs").rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            found[path.relative_to(git).as_posix()] = path.read_text()
    return {name: oid.strip() for name, oid in found.items()}


def read_index(path: Path) -> dict[str, str]:
    """Mode, object and stage of each path in git's index (gitformat-index(5), versions 2 and 3)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    if len(data) < 12:
        return {"": f"an index of {len(data)} bytes"}
    found = {}
    _, version, count = struct.unpack(">4sII", data[:12])
    assert version in (2, 3), version
    at = 12
    for _ in range(count):
        mode, oid, flags = struct.unpack(">24xI12x20sH", data[at : at + 62])
        start = at + (64 if flags & 0x4000 else 62)
        end = data.index(b"\0", start)
        found[os.fsdecode(data[start:end])] = f"{mode:o} {oid.hex()} {flags >> 12 & 3}"
        at += (end - at + 8) // 8 * 8
    return found


def list_stored_digests(ours: Path) -> set[str]:
    """The digests of all contents that the object store holds whole.

    They are hashed here, and the files are read as the description of the format says. What is in
    the trash counts: whoever needs it finds it there.
    """
    whole = set()
    trashed = [(path, path.name) for path in (ours / "trash").glob("*/*[!kx]")]
    loose = [(path, path.parent.name + path.name) for path in (ours / "objects").glob("??/*")]
    for path, digest in (*trashed, *loose):
        if hash_content(path) == digest:
            whole.add(digest)
    for path in (*(ours / "packs").glob("*.pack"), *(ours / "trash").glob("*/*.pack")):
        with suppress(tarfile.ReadError), tarfile.open(path) as pack:
            for member in pack:
                reader = pack.extractfile(member)
                if reader is not None and hashlib.sha256(reader.read()).hexdigest() == member.name:
                    whole.add(member.name)
    return whole


def list_damaged_digests(ours: Path) -> set[str]:
    """What damaged large files hold, in their place or set aside.

    A person may want to look at it.
    """
    aside = ((path, "") for path in (ours / "quarantine").glob("*.loose-*"))
    own = ((path, path.parent.name + path.name) for path in (ours / "objects").glob("??/*"))
    return {held for path, name in (*aside, *own) if (held := hash_content(path)) != name}


def list_taken(place: WorkPlace, old: Facts, new: Facts, *, deletes: bool) -> list[str]:
    """Which contents an undisturbed command took away, or condemned, and should not have.

    One that `deletes` may take what no reference, here or on the forge, leads to.
    """
    taken = {key for key in old if key.startswith(_CONTENTS) and key not in new}
    condemned = {key for key in new if key.startswith("condemned:")}
    needed = list_needed_digests(place) if taken or condemned else set()
    found = [f"{key} was taken away" for key in sorted(taken) if not deletes]
    for key in sorted(taken | condemned):
        if key.rpartition("/")[2].rpartition(":")[2] in needed:
            found.append(f"{key} is gone or condemned, and is needed")
    return found + ["nothing was deleted"] * (deletes and not taken)


def list_torn(now: Facts, new: Facts, *old: Facts) -> list[str]:
    """What is neither old (the first of `old` decides what must not be lost) nor new.

    With several states of `old` no recovery was tried yet: git's index may be what git was just
    making of it.
    """
    found = []
    for key in sorted(now.keys() | new.keys() | old[0].keys()):
        if key.startswith(_CONTENTS):
            # what the command itself takes away is judged once, by its undisturbed run
            if key in old[0] and key in new and key not in now:
                found.append(f"{key} was lost")
        elif key.startswith("git:index:") and len(old) > 1:
            continue
        elif now.get(key) not in {new.get(key), *(facts.get(key) for facts in old)}:
            found.append(f"{key} is neither old nor new: {now.get(key)}")
    return found


def list_mixed(now: Facts, old: Facts, new: Facts) -> list[str]:
    """Where a recovery left a part done.

    The working files are one whole; the records, and what git says of them, are another.
    """
    found = []
    for kinds in (("file",), ("record", "git")):
        keys = [
            key
            for key in {*old, *new}
            if key.partition(":")[0] in kinds and old.get(key) != new.get(key)
        ]
        states = {"new" if now.get(key) == new.get(key) else "old" for key in keys}
        if len(states) > 1:
            done = sorted(key for key in keys if now.get(key) == new.get(key))
            found.append(f"{' and '.join(kinds)} are partly new: {done} of {sorted(keys)}")
    return found


def list_differences(now: Facts, wanted: Facts) -> list[str]:
    """How a repository differs from the one it should equal.

    More objects than wanted do no harm.
    """
    found = []
    for key in sorted({*now, *wanted}):
        if now.get(key) != wanted.get(key) and (not key.startswith(_CONTENTS) or key not in now):
            found.append(f"{key} is {now.get(key)}, not {wanted.get(key)}")
    return found


def list_leftovers(place: WorkPlace, *, killed: int = 1) -> list[str]:
    """What only a person could remove now, and what the next command would have to settle.

    So many pushes were `killed`: each may have left a pin, which gc removes once it is old.
    """
    pins = list_pins(place)
    found = [f"pins were left behind: {pins}"] * (len(pins) > killed)
    found += [f"{LATER_RECORD} {name}" for name in list_passing_records(place)]
    for path in _list_files(place.path):
        # Others may be at work there, so what lies there goes after a day only.
        if path.startswith((".git/shared/tmp/", ".git/bucket/.mlver-tmp-")):
            continue
        name = path.rpartition("/")[2]
        if (
            _TEMPORARY.search(path)
            or name == "intent.json"
            or (name.endswith(".lock") and path.startswith(".git/"))
        ):
            found.append(f"{path} was left behind")
    return found


def list_faults(place: WorkPlace, *expected: str) -> list[str]:
    """What git and mlver themselves find wrong, but for `expected` kinds.

    Working files that no version pins are a person's own business.
    """
    found = []
    done = run_in_process(place.path, ("verify", "--all", "--json"))
    if done.code not in (0, 1):
        return [f"mlver verify --all exited {done.code}: {done.err}{done.out}"]
    document = json.loads(done.out)
    # To verify, a promotion without its seal is no damage; to a command that was killed it is.
    unsealed = [link for link in document["notes"] if link["kind"] == "unsealed"]
    broken = [
        link
        for link in [*document["broken"], *unsealed]
        if link["kind"] not in ("working", *expected)
    ]
    found += [f"mlver verify --all: {link['subject']} {link['message']}" for link in broken]
    try:
        place.git("fsck", "--strict", "--no-dangling")
    except AssertionError as error:
        found.append(str(error))
    return found


def recover_place(place: WorkPlace) -> list[str]:
    """Let a command that wants nothing settle what another left; what went wrong doing so."""

    def settle_quietly() -> int:
        with editing(Project.find_from(place.path), "nothing"):
            return 0

    try:
        call_in_process(place.path, settle_quietly)
    except (MlverError, OSError) as error:
        return [f"the recovery failed: {error}"]
    return []


def hash_place(place: WorkPlace) -> str:
    """A hash of everything on the disk that may matter to what comes next.

    Equal states need one judgement. What names the process or the moment is left out, and of git's
    index all but what it lists.
    """
    found = sorted(_list_entries(os.fspath(place.path), ""))
    index = sorted(read_index(place.path / ".git/index").items())
    return hashlib.sha256(repr((found, index)).encode()).hexdigest()


def _list_entries(top: str, folder: str) -> Iterator[tuple[str, int, str]]:
    """Name, type with permissions, and content of everything in a folder and below."""
    with os.scandir(f"{top}/{folder}") as entries:
        for entry in entries:
            path = folder + entry.name
            inside = path.removeprefix(".git/mlver/")
            if inside.startswith("state.db") or inside in _LOCKS or _INDEX.fullmatch(path):
                continue
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
                is_folder = stat.S_ISDIR(mode)
                content = "" if is_folder else _digest_content(entry, mode, inside)
            except FileNotFoundError:
                continue  # the lock of a git that still runs
            name = _GITS.sub("GITS", _TEMPORARY.sub("TEMPORARY", path))
            name = _TRASH.sub(r"\1/MOMENT", _ASIDE.sub(r"\1-ASIDE", name))
            name = _KEPT.sub(r"\1/KEPT", _PIN.sub(r"\1/PIN", name))
            name = _RECORD.sub(r"\1/RECORD", name)
            yield ascii(name), mode, content
            if is_folder:
                yield from _list_entries(top, f"{path}/")


def _digest_content(entry: os.DirEntry[str], mode: int, inside: str) -> str:
    if stat.S_ISLNK(mode):
        return ascii(os.readlink(entry.path))  # noqa: PTH115
    descriptor = os.open(entry.path, os.O_RDONLY)
    try:
        data = b"".join(iter(lambda: os.read(descriptor, 1 << 20), b""))
    finally:
        os.close(descriptor)
    if inside == "intent.json" or (_TEMPORARY.match(inside) and "/" not in inside):
        data = re.sub(rb'"(pid|top|proof)": [^\n]*', b"", data)
    if _RECORD.match(inside) or inside.startswith(".git/bucket/.mlver-tmp-"):
        data = re.sub(rb'"(by|process|since)":("[^"]*"|null)', b"", data)
    return hashlib.sha256(data).hexdigest()


def _list_files(top: Path, skip: str | None = None) -> Iterator[str]:
    base = os.fspath(top)
    for directory, folders, files in os.walk(base):
        if skip is not None and skip in folders and directory == base:
            folders.remove(skip)
        for name in files:
            yield f"{directory}/{name}"[len(base) + 1 :]


def _describe_file(path: Path) -> str:
    """The content of a file, and whether it may be executed."""
    content = hash_content(path)
    if not path.is_symlink() and path.stat().st_mode & 0o100:
        return f"{content} executable"
    return content


def hash_content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    with path.open("rb") as file:
        return hashlib.sha256(io.BytesIO(file.read()).getbuffer()).hexdigest()
