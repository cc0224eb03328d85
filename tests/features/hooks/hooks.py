"""A repository with mlver's hooks in it, and git as a person types it there, whether it lets them
or not.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import CommandOutcome, Repository

RECORD = ".mlver/models/digits/versions/1.0.0.yaml"
LATEST = ".mlver/models/digits/versions/1.1.0.yaml"
PROMOTION = ".mlver/models/digits/stages/production/0001.yaml"


@dataclass(frozen=True, slots=True)
class HookedRepository(Repository):
    def attempt_git(self, *arguments: str, stdin: str = "", **environment: str) -> CommandOutcome:
        """Run git, hooks and all; a refusal is an answer."""
        return self.run_process("git", *arguments, stdin=stdin, **environment)

    def run_process(self, *words: str, stdin: str = "", **environment: str) -> CommandOutcome:
        done = subprocess.run(
            words,
            cwd=self.path,
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
        return CommandOutcome(done.returncode, done.stdout, done.stderr)

    def assert_passes(self, *arguments: str) -> str:
        done = self.attempt_git(*arguments)
        assert done.code == 0, done.err
        return done.out + done.err

    def assert_refuses(self, *arguments: str) -> str:
        """What a hook says that stops git; HEAD is where it was."""
        before = self.git("rev-parse", "HEAD")
        done = self.attempt_git(*arguments)
        assert done.code != 0, done
        assert self.git("rev-parse", "HEAD") == before
        assert "mlver refuses" in done.err, done.err
        assert "hint: " in done.err
        assert "Traceback" not in done.err
        return done.err

    def edit_record(self, path: str = RECORD) -> None:
        """Change what a record says, so that it is valid still."""
        text = (self.path / path).read_text()
        changed = text.replace("message: ", "message: Not ", 1)
        assert changed != text
        self.write(path, changed)

    def add_unsealed(self, number: str, message: str = "New") -> str:
        """Lay down a version record that no tag seals, as `register --no-commit` does; its path."""
        path = f".mlver/models/digits/versions/{number}.yaml"
        text = (self.path / RECORD).read_text()
        self.write(
            path, text.replace("1.0.0", number).replace("message: First", f"message: {message}")
        )
        return path


def with_hooks(repository: Repository) -> HookedRepository:
    return HookedRepository(Path(repository.path))
