"""What the processor, the memory and the GPUs of this machine are, as the system tells it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 10
_NAME = re.compile(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", re.MULTILINE)
_FLAGS = re.compile(r"^(?:flags|Features)\s*:\s*(.+)$", re.MULTILINE)
# Those by which OpenBLAS, MKL, oneDNN and Eigen choose their code.
_VECTOR = re.compile(
    r"sse4_1|sse4_2|avx|avx2|fma|f16c|avx512(?:f|bw|cd|dq|vl|_vnni|_bf16|_fp16)|avx_vnni"
    r"|amx_(?:bf16|int8|tile)|asimd|asimddp|sve|sve2|bf16|i8mm"
)
_READ_LIMIT = 1 << 20
_BLAS_KEYS = ("internal_api", "version", "architecture")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """`memory` is in bytes; whatever the system does not tell is None or empty."""

    processor: str | None
    processors: int
    instructions: tuple[str, ...]
    memory: int | None
    accelerators: tuple[str, ...]


def describe_machine() -> MachineFacts:
    """Describe this machine; nothing that a repository names is run."""
    try:
        with Path("/proc/cpuinfo").open(errors="replace") as file:
            told = file.read(_READ_LIMIT)
    except OSError:
        told = ""
    name = _NAME.search(told)
    flags = _FLAGS.search(told)
    vector = [] if flags is None else sorted(set(filter(_VECTOR.fullmatch, flags[1].split())))
    processor = platform.processor() or platform.machine() if name is None else name[1]
    return MachineFacts(
        processor=_clean(processor) or None,
        processors=_count_processors(),
        instructions=tuple(vector),
        memory=_read_memory(),
        accelerators=_list_accelerators(),
    )


def describe_loaded_blas() -> str | None:
    """Name the libraries of linear algebra in this process and the kernels that they chose.

    None where the process did not load threadpoolctl, which tells it; it is not loaded for this.
    """
    module = sys.modules.get("threadpoolctl")
    try:
        found = [] if module is None else list(module.threadpool_info())
        listed = {
            " ".join(str(info[key]) for key in _BLAS_KEYS if info.get(key))
            for info in found
            if info.get("user_api") == "blas"
        }
    except Exception:  # noqa: BLE001 - it is the training's own module, and may be anything
        return None
    return _clean(", ".join(sorted(listed))) or None


def _count_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _list_accelerators() -> tuple[str, ...]:
    """Ask nvidia-smi, where it is on PATH: a line a GPU, with its driver and its memory."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    words = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = answer.stdout.decode(errors="replace").splitlines()
    return tuple(filter(None, map(_clean, lines[:64])))


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()[:200]
