"""git's own settings, changed so that a power cut or a kill leaves the old ones or the new ones."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlver.errors import MlverError, refusal_error
from mlver.git.kept import forget_answers
from mlver.git.repository import GitRepository
from mlver.system import durable


def set_options(repository: GitRepository, options: Mapping[str, str], spool: Path) -> None:
    """Set some of the repository's own settings, all or none, durably.

    git puts a new file in place of its settings before the bytes of that are on the disk, so that a
    power cut may leave a repository that no git can open, and a git that is killed leaves its lock.
    So git changes a copy, and the copy waits in the folder `spool` of the same file system, which
    may hold no other temporaries that anybody relies on.

    Raise MlverError where another process changed them meanwhile, and where the system refuses.
    """
    config = (repository.common_dir / "config").resolve()
    try:
        before = config.read_bytes()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / "config"
            with durable.naming_errors(copy):
                copy.write_bytes(before)
            for key, value in options.items():
                arguments = ["config", "--file", os.fspath(copy), key, value]
                repository.process.write(arguments, doing=f"set {key}")
            data = copy.read_bytes()
        _replace_config(config, before, data, spool)
    except OSError as error:
        raise refusal_error("changing git's settings", error, outcome="") from error
    forget_answers()


def _replace_config(config: Path, before: bytes, data: bytes, spool: Path) -> None:
    durable.make_directory(spool)
    durable.sweep_temporaries(spool)
    prepared = durable.write_temporary(spool, data)
    try:
        prepared.chmod(stat.S_IMODE(config.stat().st_mode))
        if config.read_bytes() != before:
            raise MlverError(f"{config} was changed meanwhile; run the same command again")
        prepared.replace(config)
    except BaseException:
        durable.discard_temporary(prepared)
        raise
    durable.sync_directory(config.parent)
