"""Triton's own server, on the processor, with its Python backend."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from tests.servers.install import NotInstallable, install_programs
from tests.servers.starting import RunningServer, find_ports, start_process

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def start_triton(folder: Path, models: Path) -> RunningServer:
    """A server that looks at a folder of models every second. It takes 2 s to start."""
    packages = install_programs("data", "triton")
    server = packages / "pytriton" / "tritonserver"
    backends = _copy_backend(server, folder / "backends")
    http, grpc, metrics = find_ports(3)
    command: list[str | Path] = [
        server / "bin" / "tritonserver",
        f"--model-repository={models}",
        f"--backend-directory={backends}",
        f"--cache-directory={server / 'caches'}",
        "--model-control-mode=poll",
        "--repository-poll-secs=1",
        *("--http-address=127.0.0.1", f"--http-port={http}"),
        *("--grpc-address=127.0.0.1", f"--grpc-port={grpc}"),
        *("--metrics-address=127.0.0.1", f"--metrics-port={metrics}"),
        "--allow-gpu-metrics=false",
        "--exit-on-error=false",
    ]
    python = _make_python(packages, folder / "python")
    environment = {
        "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
        "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
    }
    pid = start_process(command, folder, lambda: _is_ready(http), environment)
    return RunningServer(
        address=f"http://127.0.0.1:{http}",
        port=http,
        pid=pid,
        options={"metrics": f"http://127.0.0.1:{metrics}/metrics"},
    )


def _copy_backend(server: Path, backends: Path) -> Path:
    """The folder of backends, with the program for this Python, which their wheel keeps apart."""
    stub = server / "python_backend_stubs" / _PYTHON / "triton_python_backend_stub"
    if not stub.exists():
        raise NotInstallable(f"Triton has no backend for Python {_PYTHON}")
    python = backends / "python"
    python.mkdir(parents=True)
    for file in (server / "backends" / "python").iterdir():
        shutil.copy(file, python)
    shutil.copy(stub, python)
    return backends


def _make_python(packages: Path, folder: Path) -> Path:
    """The folder of a Python that has these packages only; the backend takes the first of PATH.

    With NumPy 2 it answers every request with an error.
    """
    library = folder / "lib" / f"python{_PYTHON}"
    library.mkdir(parents=True)
    (library / "site-packages").mkdir()
    (library / "site-packages" / "triton.pth").write_text(f"{packages}\n")
    programs = folder / "bin"
    programs.mkdir()
    base = Path(sys.base_prefix) / "bin" / f"python{_PYTHON}"
    shutil.copy(base, programs / "python3")
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    return programs


def _is_ready(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=2) as said:
        return bool(said.status == 200)
    return False
