"""A forge on this machine: a bare repository, an HTTP server in the place of its API, and `act` as
its runner.

Everything the workflows do is done for real; only the two actions they use have stand-ins here, as
no runner can fetch them: one checks out as actions/checkout does (same references, same depths),
one puts a Python on the PATH.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.conftest import Repository
from tests.programs import pin_packages

CHECKOUT_ACTION = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
PYTHON_ACTION = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
BOT = "github-actions[bot]"

_CHECKOUT = """\
name: checkout
inputs:
  fetch-depth: {default: "1"}
  persist-credentials: {default: "true"}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        DEPTH: ${{ inputs.fetch-depth }}
        PERSIST: ${{ inputs.persist-credentials }}
      run: |
        [ "$PERSIST" = false ]
        git init --quiet .
        git remote add origin "$REMOTE"
        here=$(sed 's|^refs/heads/|refs/remotes/origin/|' <<< "$GITHUB_REF")
        if [ "$DEPTH" = 0 ]; then
          git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
          git fetch --quiet --no-tags origin "+$GITHUB_REF:$here"
        else
          git fetch --quiet --no-tags --depth "$DEPTH" origin "+$GITHUB_REF:$here"
        fi
        case $GITHUB_REF in
          refs/heads/*) git checkout --quiet --force -B "${GITHUB_REF#refs/heads/}" "$here" ;;
          *) git checkout --quiet --force --detach "$here" ;;
        esac
"""
_PYTHON = """\
name: python
inputs:
  python-version: {required: true}
runs:
  using: composite
  steps:
    - shell: bash
      run: echo "$PROGRAMS" >> "$GITHUB_PATH"
"""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request to the API."""

    method: str
    path: str
    token: str
    body: Any


@dataclass(slots=True)
class ForgeApi:
    """What the stand-in of a forge's API was asked, and the comments it holds."""

    url: str = ""
    asked: list[ApiRequest] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)

    def list_changes(self) -> list[tuple[str, str]]:
        return [(entry.method, entry.path) for entry in self.asked if entry.method != "GET"]

    def answer_request(self, asked: ApiRequest) -> tuple[int, Any]:
        self.asked.append(asked)
        where, _, last = asked.path.partition("?")[0].rpartition("/")
        if asked.method == "GET":
            return 200, self.comments
        if asked.method == "POST" and last in ("comments", "notes"):
            number = len(self.comments) + 1
            url = f"{self.url}{where}/comments/{number}"
            self.comments.append({"id": number, "url": url, "user": {"login": BOT}, **asked.body})
            return 201, self.comments[-1]
        if asked.method in ("PATCH", "PUT"):
            self.comments[int(last) - 1].update(asked.body)
            return 200, self.comments[int(last) - 1]
        return 201, {}


@contextmanager
def serve_api() -> Iterator[ForgeApi]:
    """The API, on a free port."""
    api = ForgeApi()

    class RequestHandler(BaseHTTPRequestHandler):
        def send_answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code, output = api.answer_request(
                ApiRequest(
                    self.command,
                    self.path,
                    _read_token(self.headers),
                    _parse_body(self.headers, sent),
                )
            )
            environment = json.dumps(output).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(environment)))
            self.end_headers()
            self.wfile.write(environment)

        do_GET = do_POST = do_PATCH = do_PUT = send_answer  # noqa: N815 - http.server names them so

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), RequestHandler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def _read_token(headers: Message) -> str:
    return headers.get("PRIVATE-TOKEN", headers.get("Authorization", "")).removeprefix("Bearer ")


def _parse_body(headers: Message, sent: bytes) -> Any:
    """JSON, or the one field of a form."""
    kind = headers.get("Content-Type", "")
    if kind.startswith("multipart/form-data"):
        part = sent.split(f"--{kind.partition('boundary=')[2]}".encode())[1]
        head, _, data = part.partition(b"\r\n\r\n")
        return {head.decode().split('name="')[1].split('"')[0]: data.removesuffix(b"\r\n").decode()}
    return json.loads(sent) if sent else None


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """What act printed, and its exit code."""

    code: int
    out: str

    def read_outputs(self) -> dict[str, str]:
        lines = (line.partition("::set-output:: ")[2] for line in self.out.splitlines())
        return dict(line.split("=", 1) for line in lines if "=" in line)


@dataclass(frozen=True, slots=True)
class LocalForge:
    """`work` is a clone with `origin`, a bare repository; `home` is the runner's."""

    work: Repository
    origin: Repository
    api: ForgeApi
    home: Path
    programs: Path

    def run_workflow(
        self, workflow: str, event: str, payload: Mapping[str, Any], **local: Path
    ) -> WorkflowRun:
        """What the forge does on an event; `local` are folders that stand for further actions'
        repositories.
        """
        given = self.home / "event.json"
        given.write_text(json.dumps(payload))
        actions = {CHECKOUT_ACTION: self.home / "checkout", PYTHON_ACTION: self.home / "python"}
        words = [
            f"--local-repository={name}={place}" for name, place in {**actions, **local}.items()
        ]
        words += [f"--env={name}={value}" for name, value in self.build_environment().items()]
        finished = subprocess.run(
            [
                *(
                    self.programs / "act",
                    event,
                    "--workflows",
                    f".github/workflows/{workflow}",
                    "--eventpath",
                    given,
                ),
                *(
                    "--platform",
                    "ubuntu-latest=-self-hosted",
                    "--no-cache-server",
                    "--no-skip-checkout",
                ),
                *("--secret", "GITHUB_TOKEN=a-token", *words),
            ],
            cwd=self.work.path,
            env={
                **os.environ,
                "HOME": os.fspath(self.home),
                "PATH": f"/usr/local/bin:{os.defpath}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return WorkflowRun(finished.returncode, finished.stdout.decode())

    def build_environment(self) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.api.url,
            "GITHUB_REPOSITORY": "kim/digits",
            "REMOTE": f"file://{self.origin.path}",
            "PIP_NO_COMPILE": "1",  # half of what installing costs, for programs that run once
            "PROGRAMS": os.fspath(self.programs),
            **pin_packages(self.home),
        }

    def push_refs(self, *refs: str) -> None:
        self.work.git("push", "--quiet", "origin", *refs)

    def prepare_remote(self) -> None:
        for name, action in {"checkout": _CHECKOUT, "python": _PYTHON}.items():
            (self.home / name).mkdir(parents=True)
            (self.home / name / "action.yml").write_text(action)
        self.origin.path.mkdir()
        self.origin.git("init", "--quiet", "--bare")
        self.work.git("remote", "add", "origin", os.fspath(self.origin.path))
