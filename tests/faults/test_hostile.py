"""Repositories, names, documents and tags made by somebody who means harm.

No code of theirs runs, nothing is written outside, and no control character is shown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, CommandOutcome, Repository
from tests.faults import ground

# What could move a cursor, colour a line, or turn text around. A newline is a line's end, once
# printed by us.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_READING = (
    ("list",),
    ("list", "m"),
    ("show", "m"),
    ("log",),
    ("status",),
    ("diff", "m@1.0.0"),
    ("diff", "m@1.0.0", "m@1.1.0"),
    ("verify",),
    ("verify", "--all"),
    ("doctor",),
)
_WRITING = (
    ("checkout", "m@1.0.0", "--to", "served"),
    ("promote", "m@1.1.0", "--to", "staging", "-m", "Why"),
    ("register", "m", "--bump", "minor", "-m", "Why", "--allow-dirty"),
    ("tag",),
    ("checkout", "m@1.1.0", "--force"),
    ("init",),
)
_SLOW_S = 10.0


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the repository: it stays as it is, and its `canary` never comes."""
    made = tmp_path / "outside"
    (made / "models").mkdir(parents=True)
    (made / "precious.txt").write_text("precious\n")
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of `m`, the first in production; made once, in a process of its own."""
    top = tmp_path_factory.mktemp("made") / "repository"
    subprocess.run(
        [sys.executable, "-c", _MAKE, top],
        cwd=CHECKOUT,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return top


_MAKE = """
import sys
from pathlib import Path
from tests.faults import ground
place = ground.new_place(Path(sys.argv[1]))
place.write("README.md", "# A project")
place.write(".gitignore", "/model.bin\\n/data/\\n/served/\\n")
place.write("model.bin", b"one")
place.write("data/a.txt", "a")
place.write("data/b.txt", "b")
place.commit()
place.mlver("init")
artifacts = ("--weights", "model.bin", "--data", "train=data")
place.mlver("register", "m", *artifacts, "--version", "1.0.0", "-m", "First")
place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
place.write("model.bin", b"two")
place.mlver("register", "m", "--version", "1.1.0", "-m", "Second")
"""


@pytest.fixture
def victim(made: Path, tmp_path: Path) -> Repository:
    """A copy of the repository that is to suffer."""
    return Repository(ground.copy_place(made, tmp_path / "repository").path)


def _canary(outside: Path, name: str = "evil") -> str:
    """A program that leaves a canary, and then does what a filter or a pager would."""
    path = outside / name
    path.write_text(f"#!/bin/sh\ntouch '{outside}/canary'\ncat\n")
    path.chmod(0o755)
    return os.fspath(path)


def _check(done: CommandOutcome, *codes: int) -> None:
    assert done.code in (codes or (0, 1, 2, 3)), done
    assert "Traceback" not in done.err
    assert not _CONTROL.search(done.out), done.out
    assert not _CONTROL.search(done.err), done.err


def _check_all(
    victim: Repository, outside: Path, commands: tuple[tuple[str, ...], ...] = _READING + _WRITING
) -> None:
    before = _tree(outside)
    for argv in commands:
        began = time.monotonic()
        _check(victim.mlver(*argv))
        assert time.monotonic() - began < _SLOW_S, argv
        assert _tree(outside) == before, f"{argv} wrote outside"


def _tree(top: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None for path in sorted(top.rglob("*"))
    }


# -- names -----------------------------------------------------------------------------------------

_NAMES = (
    *(
        "-x",
        "--upload-pack=x",
        "..",
        ".",
        ".git",
        "refs/heads/x",
        "x.",
        "x.lock",
        "a..b",
        "",
        " ",
        "x" * 200,
        "../../x",
    ),
    *(
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "a\x9b31mb",
        "a\u202eb",
        "a\rb",
        "[/red]",
        "[bold]x",
        "é",
        "e\u0301",
        "a b",
        "a@b",
    ),
    *(
        "a:b",
        "a~1",
        "a^{}",
        "@{u}",
        "$(touch canary)",
        "`touch canary`",
        "a;b",
        "a\\b",
        "%s",
        "{0}",
    ),
)


@pytest.mark.parametrize("name", _NAMES, ids=ascii)
def test_a_hostile_name_is_refused_and_shown_harmlessly(
    victim: Repository, outside: Path, name: str
) -> None:
    before = victim.git("for-each-ref"), victim.git("rev-parse", "HEAD")
    for argv in (
        ("register", name, "--weights", "model.bin", "-m", "Why"),
        ("register", "--weights", "model.bin", "-m", "Why", "--", name),
        ("show", name),
        ("show", f"m@{name}"),
        ("promote", f"m@{name}", "--to", "staging", "-m", "Why"),
        ("promote", "m@1.0.0", "--to", name, "-m", "Why"),
        ("checkout", "--to", "served", "--", name),
        ("rollback", name, "--stage", "production", "-m", "Why"),
        ("log", "--", name),
    ):
        _check(victim.mlver(*argv), 2, 3)
    _check(
        victim.mlver("diff", "--", name), *([0] if name == ".." else [2, 3])
    )  # a range, to git: HEAD..HEAD
    assert (victim.git("for-each-ref"), victim.git("rev-parse", "HEAD")) == before


@pytest.mark.parametrize("name", ["HEAD", "con", "nul", "master", "FETCH_HEAD"])
def test_a_name_that_git_or_windows_uses_does_no_harm(victim: Repository, name: str) -> None:
    _check(victim.mlver("register", name, "--weights", "model.bin", "-m", "Why"))
    _check(victim.mlver("verify", "--all"), 0)
    assert victim.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_names_that_differ_by_case_only_are_refused(victim: Repository) -> None:
    _check(victim.mlver("register", "M", "--weights", "model.bin", "-m", "Why"), 2, 3)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\u202egnp", "[/red]", "a\rb", "\x9b2J", "a\nerror: forged"], ids=ascii
)
def test_text_a_person_recorded_is_shown_harmlessly(
    victim: Repository, outside: Path, text: str
) -> None:
    victim.write("model.bin", b"three")
    told = (
        "--label",
        f"note={text}",
        "--param",
        f"p={text}",
        "--metric",
        "accuracy=1",
        "--command",
        text,
    )
    _check(victim.mlver("register", "m", "--bump", "minor", "-m", f"Why {text}", *told))
    victim.git("config", "user.name", f"Kim {text}".replace("\n", " "))
    _check_all(victim, outside)


@pytest.mark.parametrize(
    "folder",
    ["a\x1b[2J", "a\nb", "\u202ex", "[/red]", "..x", "-x", "con ", "é", "x.lock"],
    ids=ascii,
)
def test_a_folder_among_the_models_that_is_no_model(
    victim: Repository, outside: Path, folder: str
) -> None:
    record = (victim.path / ".mlver/models/m/versions/1.0.0.yaml").read_text()
    victim.write(f".mlver/models/{folder}/versions/1.0.0.yaml", record)
    victim.write(f".mlver/models/m/versions/{folder}.yaml", record)
    victim.write(f".mlver/manifests/{folder}", "x")
    victim.commit()
    _check_all(victim, outside)
    _check(victim.mlver("verify", "--all"), 1)


def test_a_working_file_with_an_evil_name(victim: Repository, outside: Path) -> None:
    for name in ("\x1b[2J.bin", "a\nb", "[/red]", "-rf", "\u202etxt.exe"):
        victim.write(f"data/{name}", "x")
    _check_all(victim, outside)


# -- configuration ---------------------------------------------------------------------------------

_PROGRAMS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.alternateRefsCommand",
    "pager.log",
    "pager.tag",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "interactive.diffFilter",
    "merge.evil.driver",
    "credential.helper",
    "sequence.editor",
    "gpg.program",
)
_SHELLS = (
    "alias.register",
    "alias.status",
    "alias.log",
    "alias.commit",
    "alias.tag",
    "alias.ls-files",
)


@pytest.mark.parametrize("key", [*_PROGRAMS, *_SHELLS])
def test_a_program_named_by_the_repository_is_not_run(
    victim: Repository, outside: Path, key: str
) -> None:
    program = _canary(outside)
    victim.git("config", key, f"!{program}" if key in _SHELLS else program)
    victim.git("config", "log.showSignature", "true")
    victim.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    os.utime(victim.path / "README.md")
    _check_all(victim, outside, _READING)
    if not key.startswith(("filter.", "gpg.")):  # a person's own commit runs these as well
        _check_all(victim, outside, _WRITING)


def test_a_transport_that_is_a_program_is_not_run(victim: Repository, outside: Path) -> None:
    victim.git("config", "remote.origin.url", f"ext::{_canary(outside)}")
    victim.git("config", "protocol.ext.allow", "always")
    _check_all(victim, outside, (*_READING, ("tag", "--push")))


def test_no_hook_runs_for_a_command_that_reads(victim: Repository, outside: Path) -> None:
    hooks = victim.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "post-index-change",
        "pre-auto-gc",
        "fsmonitor-watchman",
        "reference-transaction",
        "post-checkout",
    ):
        Path(_canary(outside)).rename(hooks / name)
    _check_all(victim, outside, _READING)


# -- documents -------------------------------------------------------------------------------------

_YAML = {
    "brackets": "[" * 200_000,
    "braces": "{a: " * 50_000,
    "digits": "schema: " + "9" * 5_000,
    "anchors": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "duplicate": "schema: mlver/config/1\nschema: mlver/config/1\n",
    "object": "!!python/object/apply:os.system ['touch CANARY']\n",
    "tag": "schema: !!binary aGk=\n",
    "float": "schema: 1.10\n",
    "no": "schema: no\n",
    "octal": "schema: 012\n",
    "exponent": "schema: 12e45678\n",
    "sexagesimal": "schema: 190:20:30\n",
    "documents": "---\nschema: mlver/config/1\n---\nx: 1\n",
    "control": 'schema: "\\e[2J"\nx\x1b[2J: 1\n',
    "bom": "\ufeffschema: mlver/config/1\n",
    "latin": "schema: \xe9\n",
    "merge": "<<: {schema: mlver/config/1}\n",
    "huge": "x: " + "y" * (17 << 20),
    "newer": "schema: mlver/config/2\n",
    "empty": "",
    "nul": "schema: \0\n",
}


@pytest.mark.parametrize("name", _YAML)
@pytest.mark.parametrize(
    "path", ["config.yaml", "models/m/model.yaml", "models/m/versions/1.1.0.yaml"]
)
def test_a_hostile_document(victim: Repository, outside: Path, name: str, path: str) -> None:
    text = _YAML[name].replace("CANARY", f"{outside}/canary")
    (victim.path / ".mlver" / path).write_bytes(
        text.encode("latin-1" if name == "latin" else "utf-8")
    )
    _check_all(
        victim, outside, (*_READING[:2], ("show", "m@1.1.0"), *_WRITING[1:3], ("verify", "--all"))
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"message": {"pattern": "^(a+)+$"}}},
        {"properties": {"message": {"pattern": "("}}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        [],
    ],
    ids=str,
)
def test_a_hostile_schema(victim: Repository, outside: Path, schema: object) -> None:
    victim.write(".mlver/schemas/version.schema.json", json.dumps(schema))
    victim.write("model.bin", b"three")
    _check_all(
        victim,
        outside,
        (("register", "m", "--bump", "minor", "-m", "a" * 60 + "!", "--allow-dirty"), *_READING),
    )


# -- manifests and records -------------------------------------------------------------------------

_HEX = hashlib.sha256(b"one").hexdigest()
_MANIFESTS = {
    "above": f"{_HEX}  ../outside/evil\n",
    "far above": f"{_HEX}  ../../../../../../../../tmp/evil\n",
    "absolute": f"{_HEX}  /tmp/evil\n",
    "dot": f"{_HEX}  ./evil\n",
    "empty": f"{_HEX}  \n",
    "git": f"{_HEX}  .git/hooks/post-commit\n{_HEX}  a\n",
    "link": f"{_HEX}  a/evil\n{_HEX}  a\n",
    "through a link": f"{_HEX}  link/evil\n",
    "duplicate": f"{_HEX}  a\n{_HEX}  a\n",
    "nul": f"{_HEX}  a\0b\n",
    "control": f"{_HEX}  \x1b[2J\n",
    "short": f"{_HEX[:60]}  a\n",
    "no end": f"{_HEX}  a",
    "backslash": f"{_HEX}  ..\\evil\n",
}


def _forge(
    victim: Repository, change: Callable[[str], str], *, manifest: bytes | None = None
) -> None:
    """A third version whose record is what `change` makes of the second's.

    It is committed and sealed, as its maker would do.
    """
    text = change((victim.path / ".mlver/models/m/versions/1.1.0.yaml").read_text())
    victim.write(
        ".mlver/models/m/versions/2.0.0.yaml", text.replace('version: "1.1.0"', 'version: "2.0.0"')
    )
    if manifest is not None:
        victim.write(f".mlver/manifests/{hashlib.sha256(manifest).hexdigest()}.sha256", manifest)
    victim.commit()
    victim.mlver("tag")


@pytest.mark.parametrize("name", _MANIFESTS)
def test_a_hostile_manifest_writes_nothing_outside(
    victim: Repository, outside: Path, name: str
) -> None:
    manifest = _MANIFESTS[name].encode()
    old = re.search(r"train:.*?digest: \"(sha256:[0-9a-f]{64})\"", _record(victim), re.DOTALL)
    assert old is not None
    new = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    _forge(
        victim,
        lambda text: text.replace(old[1], new).replace("files: 2", "files: 3"),
        manifest=manifest,
    )
    for root in (victim.path / "data", victim.path / "served/data"):
        root.mkdir(parents=True, exist_ok=True)
        (root / "link").symlink_to(outside)
    before = _tree(outside)
    for argv in (
        ("checkout", "m@2.0.0", "--to", "served"),
        ("checkout", "m@2.0.0", "--force"),
        ("promote", "m@2.0.0", "--to", "production", "-m", "Why", "--force"),
        ("rollback", "m", "--stage", "production", "--to", "2.0.0", "--checkout", "-m", "Why"),
        *_READING,
    ):
        _check(victim.mlver(*argv))
        assert _tree(outside) == before
    assert not Path("/tmp/evil").exists()
    assert not (victim.path / ".git/hooks/post-commit").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../outside/evil",
        "/tmp/evil",
        ".git/hooks/post-commit",
        ".git/config",
        ".mlver/config.yaml",
        "link/evil",
        "a/../../b",
    ],
)
def test_a_record_that_names_a_place_outside(victim: Repository, outside: Path, path: str) -> None:
    (victim.path / "link").symlink_to(outside)
    _forge(victim, lambda text: text.replace("path: model.bin", f"path: {path}"))
    config = (
        (victim.path / ".git/config").read_bytes(),
        (victim.path / ".mlver/config.yaml").read_bytes(),
    )
    forged = (
        ("checkout", "m@2.0.0", "--force"),
        ("checkout", "m@2.0.0", "--to", "served"),
        ("show", "m@2.0.0"),
    )
    _check_all(victim, outside, (*forged, *_READING))
    assert config == (
        (victim.path / ".git/config").read_bytes(),
        (victim.path / ".mlver/config.yaml").read_bytes(),
    )
    assert not (victim.path / ".git/hooks/post-commit").exists()


def _record(victim: Repository) -> str:
    return (victim.path / ".mlver/models/m/versions/1.1.0.yaml").read_text()


class _Exploit:
    def __init__(self, outside: Path) -> None:
        self._told = f"touch '{outside}/canary'"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._told,)


@pytest.mark.parametrize(
    "name", ["model.bin", "model.pkl", "model.pt", "model.safetensors", "model.joblib"]
)
def test_weights_are_never_loaded(victim: Repository, outside: Path, name: str) -> None:
    victim.write(name, pickle.dumps(_Exploit(outside)))
    _check(victim.mlver("register", "m", "--weights", name, "--bump", "major", "-m", "Why"), 0)
    victim.write(name, (2**63).to_bytes(8, "little") + b"{}")
    _check(victim.mlver("register", "m", "--bump", "major", "-m", "Why"), 0)
    _check_all(victim, outside)


# -- tags ------------------------------------------------------------------------------------------


def _move(victim: Repository) -> None:
    victim.git("tag", "-f", "-a", "-m", "mine", "m@v1.0.0", "HEAD")


def _lighten(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", "HEAD")


def _rename(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", victim.git("rev-parse", "refs/tags/m@v1.1.0"))


def _before(victim: Repository) -> None:
    message = victim.git("tag", "-l", "--format=%(contents)", "m@v1.0.0")
    victim.git(
        "tag",
        "-f",
        "-a",
        "-m",
        message,
        "m@v1.0.0",
        victim.git("rev-list", "--max-parents=0", "HEAD"),
    )


def _blob(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", victim.git("rev-parse", "HEAD:README.md"))


def _replace(victim: Repository) -> None:
    """A replacement reference that shows another tag's object in this one's place."""
    own, other = (
        victim.git("rev-parse", f"refs/tags/m@v{version}") for version in ("1.0.0", "1.1.0")
    )
    victim.git("update-ref", f"refs/replace/{own}", other)


@pytest.mark.parametrize("forge", [_move, _lighten, _rename, _before, _blob])
def test_a_forged_tag_is_named(
    victim: Repository, outside: Path, forge: Callable[[Repository], None]
) -> None:
    forge(victim)
    _check(victim.mlver("verify", "--all"), 1)
    _check_all(victim, outside)


def test_a_replacement_reference_deceives_nobody(victim: Repository, outside: Path) -> None:
    _replace(victim)
    _check(victim.mlver("verify", "--all"), 0)
    _check_all(victim, outside)


def test_a_tag_message_with_control_characters(victim: Repository, outside: Path) -> None:
    victim.git("tag", "-f", "-a", "-m", "\x1b[2J\u202e", "m@v1.0.0", "HEAD")
    victim.git("tag", "-a", "-m", "x\x1b[2J\n\nMlver-Record: sha256:" + "0" * 64, "o@v1.0.0")
    _check_all(victim, outside)


# -- links and plans -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        ".mlver",
        ".mlver/models",
        ".mlver/models/m",
        ".mlver/models/m/versions",
        ".mlver/manifests",
        ".mlver/models/m/stages",
    ],
)
def test_records_behind_a_symlink_write_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    path = victim.path / place
    path.rename(outside / "moved")
    path.symlink_to(outside / "moved")
    _check_all(victim, outside)


@pytest.mark.parametrize(
    "place", ["objects", "packs", "tmp", "quarantine", "state.db", "lock", "intent.json", ""]
)
def test_a_store_behind_a_symlink_writes_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    path = victim.path / ".git/mlver" / place
    if path.exists():
        path.rename(outside / "moved")
    path.symlink_to(outside / "moved")
    victim.write("model.bin", b"x" * (1 << 20))
    _check_all(victim, outside)


def test_a_working_file_that_is_a_symlink_is_replaced_and_not_followed(
    victim: Repository, outside: Path
) -> None:
    (victim.path / "model.bin").unlink()
    (victim.path / "model.bin").symlink_to(outside / "precious.txt")
    _check_all(
        victim, outside, (("checkout", "m@1.0.0", "--force"), ("checkout", "m@1.1.0", "--force"))
    )


@pytest.mark.parametrize("place", ["outside", "outside/new"])
def test_a_plan_that_came_with_the_repository_writes_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    told = {
        "format": 3,
        "what": "a favour \x1b[2J",
        "pid": 1,
        "top": str(outside.parent / place),
        "git_dir": ".",
        "branch": "refs/heads/main",
        "writes": {"../outside/evil": "sha256:" + "0" * 64},
        "before": {"../outside/evil": base64.b64encode(b"evil").decode()},
        "index": {"../outside/evil": None},
        "tags": [["--upload-pack=x", "x", "x", None]],
        "checkout": ["m", "1.0.0", str(outside)],
    }
    for change in (
        {},
        {"checkout": None},
        {"git_dir": "worktrees/x"},
        {"checkout": ["m", "1.0.0", "../outside"]},
    ):
        (victim.path / ".git/mlver/intent.json").write_text(json.dumps({**told, **change}))
        _check_all(victim, outside, _WRITING)
