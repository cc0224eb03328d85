"""Credentials for OCI registries, as `docker login` and `podman login` keep them, and tokens.

They are looked for in DOCKER_AUTH_CONFIG (the JSON itself), in the file that REGISTRY_AUTH_FILE
names, in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, and in podman's
`$XDG_RUNTIME_DIR/containers/auth.json`. Credential helpers that these name are asked first. An
address never holds any.

Tokens: https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from mlver.errors import shell_command
from mlver.storage.remote.blobs import BlobError
from mlver.storage.remote.web import WebAnswer, WebClient
from mlver.system.credential_helper import ask_credential_helper

_MOST_CONFIG_BYTES = 1 << 20
_CHALLENGE = re.compile(r"(Basic|Bearer)(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'([a-z_]{1,32})\s*=\s*"([^"]{0,2000})"', re.IGNORECASE)
# Docker's own hub is known to `docker login` by an address of its first days.
_DOCKER_HUB = ("docker.io", "registry-1.docker.io", "index.docker.io")
# A helper's user where the secret is an identity token.
_TOKEN_USER = "<token>"
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"


class Credentials(NamedTuple):
    """A user and a password, or an identity token in place of both."""

    user: str
    password: str
    identity_token: str = ""

    @property
    def basic_header(self) -> str:
        headers = urllib3.make_headers(basic_auth=f"{self.user}:{self.password}")
        return headers["authorization"]


@dataclass
class RegistryLogin:
    """Answers the challenges of one registry for one repository, and remembers the token.

    Credentials are looked for when a registry asks for them first.
    """

    client: WebClient
    host: str
    name: str
    header: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_challenge(self, answer: WebAnswer, used: str | None) -> bool:
        """Get what an answer of status 401 asks for; say whether to send the request again.

        `used` is the header that was refused: another thread may have a newer one already.
        """
        with self._lock:
            if self.header is not None and self.header != used:
                return True
            self.header = self._find_header(answer.headers.get("www-authenticate", ""))
            return self.header is not None and self.header != used

    def _find_header(self, challenge: str) -> str | None:
        match = _CHALLENGE.fullmatch(challenge.strip()[:8192])
        if match is None:
            return None
        credentials = find_credentials(self.host, self.name)
        if match[1].lower() == "basic":
            return None if credentials is None else credentials.basic_header
        parameters = {name.lower(): text for name, text in _PARAMETER.findall(match[2] or "")}
        realm = parameters.get("realm")
        if not realm:
            return None
        return f"Bearer {self._fetch_token(realm, parameters, credentials)}"

    def _fetch_token(
        self, realm: str, parameters: Mapping[str, str], credentials: Credentials | None
    ) -> str:
        """Ask the realm for a token. Without credentials it may give one to read only."""
        asked = {name: parameters[name] for name in ("service", "scope") if name in parameters}
        if credentials is not None and credentials.identity_token:
            form = {
                **asked,
                "grant_type": "refresh_token",
                "client_id": "mlver",
                "refresh_token": credentials.identity_token,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self.client.send("POST", realm, headers=headers, body=urlencode(form).encode())
        else:
            headers = {} if credentials is None else {"Authorization": credentials.basic_header}
            separator = "&" if "?" in realm else "?"
            answer = self.client.send(
                "GET", f"{realm}{separator}{urlencode(asked)}", headers=headers
            )
        if answer.status != 200:
            raise self.client.refusal(answer, f"logging in to {self.host}")
        document = parse_json_object(answer.body)
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
            raise BlobError(f"{self.host} gave no token; log in there again with `docker login`")
        return token


def find_credentials(host: str, name: str) -> Credentials | None:
    """What `docker login` keeps for a registry, or for a part of its repositories."""
    places = [_DOCKER_HUB_KEY] if host in _DOCKER_HUB else []
    parts = [host, *name.split("/")]
    # The longest comes first, as podman has it.
    places += ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    places += [f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
    for where, config in _read_configs():
        found = _ask_helper(config, places)
        if found is not None:
            return found
        entries = config.get("auths")
        for place in places:
            entry = entries.get(place) if isinstance(entries, dict) else None
            if isinstance(entry, dict):
                found = _read_entry(where, place, entry)
                if found is not None:
                    return found
    return None


def parse_json_object(data: bytes | str) -> dict[str, Any]:
    """The object that a JSON text is; an empty one for everything else."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _read_configs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each configuration that is there, with its place."""
    text = os.environ.get("DOCKER_AUTH_CONFIG")
    if text:
        yield "DOCKER_AUTH_CONFIG", parse_json_object(text[:_MOST_CONFIG_BYTES])
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    paths = [Path(folder) / "config.json"]
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        paths.insert(0, Path(named))
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        paths.append(Path(runtime) / "containers" / "auth.json")
    for path in paths:
        try:
            with path.open("rb") as file:
                data = file.read(_MOST_CONFIG_BYTES)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BlobError(
                f"the logins in {path} cannot be read: {error.strerror}; correct that",
                hint=shell_command("ls", "-ld", path),
            ) from error
        yield os.fspath(path), parse_json_object(data)


def _ask_helper(config: Mapping[str, Any], places: list[str]) -> Credentials | None:
    """What the helper keeps that a configuration names for a registry, or for all of them."""
    helpers = config.get("credHelpers")
    store = config.get("credsStore")
    for place in places:
        name = helpers.get(place) if isinstance(helpers, dict) else None
        if name is None and "/" not in place.removeprefix("https://").removesuffix("/v1/"):
            name = store
        if not isinstance(name, str) or not name:
            continue
        document = parse_json_object(ask_credential_helper(name, place) or b"")
        user, secret = document.get("Username"), document.get("Secret")
        if isinstance(user, str) and isinstance(secret, str) and secret:
            is_token = user == _TOKEN_USER
            return Credentials(user, "", secret) if is_token else Credentials(user, secret)
    return None


def _read_entry(where: str, place: str, entry: Mapping[str, Any]) -> Credentials | None:
    """The credentials of one entry; None for an empty one, as a credential store leaves it."""
    identity_token = entry.get("identitytoken") or ""
    encoded = entry.get("auth") or ""
    if not encoded and not identity_token:
        user, password = entry.get("username"), entry.get("password")
        if isinstance(user, str) and isinstance(password, str):
            return Credentials(user, password)
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        if not isinstance(identity_token, str):
            raise ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        raise BlobError(
            f"{where} is not valid: the login of {place} is not what `docker login` writes;"
            " log in there again"
        ) from error
    return Credentials(user, password.rstrip("\0"), identity_token)
