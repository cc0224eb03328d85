"""nginx as a proxy whose upstreams and locations come from files of routes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.servers.nginx import find_nginx
from tests.servers.reloading import FOLDER_VARIABLE, replace_workers
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

_SETTINGS = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {routes};
  server {{
    listen 127.0.0.1:{port};
    include {locations};
  }}
}}
"""


def write_nginx_settings(folder: Path, routes: Path, port: int) -> list[str | Path]:
    """Write the file that includes the routes; the command that goes by it."""
    user = "user root;" if os.geteuid() == 0 else ""
    locations = routes.with_name(f"{routes.stem}.server{routes.suffix}")
    settings = folder / "nginx.conf"
    settings.write_text(
        _SETTINGS.format(user=user, folder=folder, routes=routes, locations=locations, port=port)
    )
    return [find_nginx(), "-p", folder, "-c", settings, "-e", "stderr"]


def start_routing_nginx(folder: Path, routes: Path) -> RunningServer:
    """A proxy whose files of routes are there."""
    (port,) = find_ports(1)
    command = write_nginx_settings(folder, routes, port)
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={FOLDER_VARIABLE: str(folder)},
    )


def reload_nginx(server: RunningServer) -> None:
    """Read all files again, in new workers that listen at the same sockets."""
    replace_workers(server, signal.SIGHUP)
