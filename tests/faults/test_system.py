"""Faults the system itself makes, without a wrapped call.

They are a full disk, a forbidden folder, and many processes at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.faults import ground

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="tmpfs, setpriv and /proc are Linux's"
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NO FULL DISK AND NO STRANGER WAS TRIED: needs root"
)
_SIZES = (8, 40, 120, 200, 260, 300, 330, 360, 400, 480, 700)  # KiB left, from nothing to enough

# A stranger cannot read the home this is configured in.
_KIM = {
    f"GIT_{who}_{what}": "kim@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def _mlver(
    place: Path, *argv: str, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-m", "mlver", "-C", place, *argv],
        cwd=place,
        env={
            **os.environ,
            **_KIM,
            "PYTHONPATH": os.fspath(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def trained(repository: Repository) -> Repository:
    repository.write(".gitignore", "/model.bin\n")
    repository.write("model.bin", bytes(range(256)) * 800)
    repository.commit()
    assert repository.mlver("init").code == 0
    return repository


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", mount], check=True)
    yield mount
    subprocess.run(["umount", "-l", mount], check=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="mlver-faults-", dir=ground.MEMORY) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_root
@pytest.mark.parametrize("left", _SIZES)
def test_a_full_disk_loses_nothing_and_room_mends_it(
    trained: Repository, small_disk: Path, left: int
) -> None:
    place = Repository(ground.copy_place(trained.path, small_disk / "repository").path)
    head = place.git("rev-parse", "HEAD")
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left * 1024)))
    done = _mlver(
        place.path, "register", "m", "--weights", "model.bin", "--version", "1.0.0", "-m", "Why"
    )
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    if done.returncode:
        # git itself says only that a file could not be written where a reference's lock is full
        assert "space" in done.stderr or "couldn't write" in done.stderr
        assert "git " in done.stderr or os.fspath(small_disk) in done.stderr, (
            "it does not say where"
        )
    assert (place.path / "model.bin").read_bytes() == (trained.path / "model.bin").read_bytes()
    ballast.unlink()
    again = place.mlver(
        "register", "m", "--weights", "model.bin", "--version", "1.0.0", "-m", "Why"
    )
    assert again.code == (0 if done.returncode else 3), again.err
    assert place.git("rev-list", "--count", f"{head}..HEAD") == "1"
    assert place.mlver("verify", "--all").code == 0
    place.git("fsck", "--strict")


@needs_root
@pytest.mark.parametrize(
    "forbidden",
    [
        ".mlver",
        ".mlver/models",
        ".git/mlver",
        ".git/mlver/tmp",
        ".git/mlver/packs",
        ".git/refs/tags",
        ".git/objects",
    ],
)
def test_a_stranger_is_refused_with_the_place_and_changes_nothing(
    trained: Repository, open_folder: Path, forbidden: str
) -> None:
    registered = trained.mlver("register", "m", "--weights", "model.bin", "-m", "Why")
    assert registered.code == 0, registered.err
    trained.write("model.bin", "new")
    trained = Repository(ground.copy_place(trained.path, open_folder / "repository").path)
    for path in (*trained.path.rglob("*"), trained.path):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    for path in (trained.path / forbidden).rglob("*"):
        os.chown(path, 0, 0)
    os.chown(trained.path / forbidden, 0, 0)
    head, tags = (
        trained.git("-c", "safe.directory=*", "rev-parse", "HEAD"),
        sorted((trained.path / ".git/refs/tags").iterdir()),
    )
    stranger = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    done = _mlver(trained.path, "register", "m", "--bump", "minor", "-m", "Why", prefix=stranger)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert forbidden.rpartition("/")[2] in done.stderr, "it does not say where"
    # a commit without its tag is what a merge leaves, too, and the person is told so
    landed = forbidden == ".git/refs/tags" and "mlver tag" in done.stderr
    assert landed or trained.git("-c", "safe.directory=*", "rev-parse", "HEAD") == head
    assert sorted((trained.path / ".git/refs/tags").iterdir()) == tags
    assert (trained.path / "model.bin").read_text() == "new"


def _crowd(trained: Repository, number: int) -> None:
    """Processes that all register a version of one model at once land one after the other."""
    before = int(trained.git("rev-list", "--count", "HEAD"))
    command = [
        sys.executable,
        "-m",
        "mlver",
        "--wait",
        "300",
        "-C",
        os.fspath(trained.path),
        "register",
        "m",
        "--weights",
        "model.bin",
    ]
    crowd = [
        subprocess.Popen(
            [*command, "--bump", "minor", "-m", f"Number {one}"],
            env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for one in range(number)
    ]
    said = [process.communicate()[0] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * number, b"\n".join(said)
    records = sorted((trained.path / ".mlver/models/m/versions").iterdir())
    assert len(records) == number
    messages = {
        line
        for path in records
        for line in path.read_text().splitlines()
        if line.startswith("message:")
    }
    assert messages == {f"message: Number {one}" for one in range(number)}
    assert int(trained.git("rev-list", "--count", "HEAD")) == before + number
    assert trained.git("rev-list", "--merges", "HEAD") == ""
    assert len(trained.git("tag").split()) == number
    assert trained.mlver("verify", "--all").code == 0
    trained.git("fsck", "--strict")


def test_twenty_at_once_all_land(trained: Repository) -> None:
    _crowd(trained, 20)


@pytest.mark.long
def test_a_hundred_at_once_all_land(trained: Repository) -> None:
    _crowd(trained, 100)
