"""nginx: a plain web server, which serves files, lists no folders, and misbehaves where asked to.

/            the folder `www`, as it is
/norange/    the same, and ranges are ignored
/private/    the same, for one user
/loop/       leads to itself
/away/       leads to the same files by another name of this machine
/broken/     503
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.install import install_programs
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

USER, PASSWORD = "tests", "nginx-tests"
# Where a test finds the folder that is served.
FOLDER_VARIABLE = "MLVER_TESTS_WWW"
# The same server by HTTPS, and the certificate that it shows there.
TLS_VARIABLE = "MLVER_TESTS_TLS"
CERTIFICATE_VARIABLE = "MLVER_TESTS_CERTIFICATE"
# Debian has it where only root looks.
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_SETTINGS = """
%(user)s
daemon off;
worker_processes 1;
pid %(folder)s/nginx.pid;
error_log stderr error;
events {}
http {
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path %(folder)s/body;
  proxy_temp_path %(folder)s/proxy;
  fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi;
  scgi_temp_path %(folder)s/scgi;
  server {
    listen 127.0.0.1:%(port)d;
    listen 127.0.0.1:%(tls_port)d ssl;
    ssl_certificate %(folder)s/certificate.pem;
    ssl_certificate_key %(folder)s/key.pem;
    autoindex off;
    root %(folder)s/www;
    location /norange/ { alias %(folder)s/www/; max_ranges 0; }
    location /private/ {
      alias %(folder)s/www/;
      auth_basic tests;
      auth_basic_user_file %(folder)s/users;
    }
    location /loop/ { return 302 $uri; }
    location /away/ { rewrite ^/away/(.*)$ http://localhost:%(port)d/$1 redirect; }
    location /broken/ { return 503; }
  }
}
"""


def find_nginx() -> str:
    """The program, installed where it is missing."""
    program = shutil.which("nginx", path=_PATH)
    if program is None:
        install_programs("apt", "nginx-light")
        program = "/usr/sbin/nginx"
    return program


def start_nginx(folder: Path) -> RunningServer:
    """A web server of an empty folder."""
    program = find_nginx()
    port, tls_port = find_ports(2)
    _make_certificate(folder)
    (folder / "www").mkdir()
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    user = "user root;" if os.geteuid() == 0 else ""
    places = {"folder": folder, "port": port, "tls_port": tls_port}
    settings = _SETTINGS % {**places, "user": user}
    (folder / "nginx.conf").write_text(settings)
    command: list[str | Path] = [
        program,
        "-p",
        folder,
        "-c",
        f"{folder}/nginx.conf",
        "-e",
        "stderr",
    ]
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={
            FOLDER_VARIABLE: f"{folder}/www",
            TLS_VARIABLE: f"https://127.0.0.1:{tls_port}",
            CERTIFICATE_VARIABLE: f"{folder}/certificate.pem",
        },
    )


def _make_certificate(folder: Path) -> None:
    """A certificate that this machine trusts only where it is told to."""
    openssl = install_programs("apt", "openssl") / "openssl"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    keys = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    files = ("-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem")
    command: list[str | Path] = [openssl, "req", "-x509", *keys, *names, *files]
    subprocess.run(command, capture_output=True, check=True)
