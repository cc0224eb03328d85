"""Giftless: a git-lfs server, which stores wrong bytes under any name without a word.

Each path of two names, such as `/team/digits`, is a repository of its own there.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

# JSON is YAML.
_SERVE = """
import sys, warnings
warnings.simplefilter("ignore")
from giftless.app import init_app
from waitress import serve
serve(init_app(), host="127.0.0.1", port=int(sys.argv[1]), threads=8, max_request_body_size=1 << 33)
"""


def start_giftless(folder: Path) -> RunningServer:
    """A server that lets everybody read and write; it takes 1 s to start.

    `options` has the folder in which it keeps objects, as `data`.
    """
    data = folder / "data"
    storage = "giftless.storage.local_storage:LocalStorage"
    streaming = {"storage_class": storage, "storage_options": {"path": str(data)}}
    adapter = {"factory": "giftless.transfer.basic_streaming:factory", "options": streaming}
    # Its own links carry tokens that it signs with this.
    key = {"algorithm": "HS256", "private_key": "of-tests-only-and-no-secret-at-all-012345"}
    settings = {
        "AUTH_PROVIDERS": ["giftless.auth.allow_anon:read_write"],
        "TRANSFER_ADAPTERS": {"basic": adapter},
        "PRE_AUTHORIZED_ACTION_PROVIDER": {"factory": "giftless.auth.jwt:factory", "options": key},
    }
    (folder / "giftless.yml").write_text(json.dumps(settings))
    (port,) = find_ports(1)
    pid = start_process(
        [install_programs("pip", "giftless") / "python", "-c", _SERVE, str(port)],
        folder,
        lambda: is_listening(port),
        {"GIFTLESS_CONFIG_FILE": str(folder / "giftless.yml")},
    )
    return RunningServer(f"http://127.0.0.1:{port}", port, pid, options={"data": str(data)})
