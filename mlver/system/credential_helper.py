"""Runs the credential helper that a person's own settings name, such as `docker-credential-pass`.

Which one is never said by a repository. It is started with a list of arguments, by no shell.
https://github.com/docker/docker-credential-helpers
"""

from __future__ import annotations

import re
import subprocess

from mlver.errors import MlverError, printable_name, shell_command

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# It may ask the person for a passphrase.
_PATIENCE_S = 120.0


def ask_credential_helper(name: str, server: str) -> bytes | None:
    """What `docker-credential-NAME get` answers for a server; None where it keeps nothing for it.

    Raises MlverError where there is no such program, or it does not end.
    """
    if _NAME.fullmatch(name) is None:
        raise MlverError(f"{printable_name(name)!r} cannot be the name of a credential helper")
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=server.encode(),
            stdout=subprocess.PIPE,
            # What it asks or says there is for the person.
            stderr=None,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MlverError(
            f"{program} did not answer within {_PATIENCE_S:.0f} seconds; run it by hand,"
            " then run the same command again"
        ) from error
    except OSError as error:
        raise MlverError(
            f"{program}, which keeps the login of {printable_name(server)}, could not be started:"
            f" {error.strerror}; install it, or give the login in DOCKER_AUTH_CONFIG",
            hint=shell_command("export", "DOCKER_AUTH_CONFIG=JSON"),
        ) from error
    return done.stdout if done.returncode == 0 else None
