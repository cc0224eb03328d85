"""Executors that the person's own command line names. No file of a repository names one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlver.errors import MlverError, UsageError, printable_name
from mlver.extras import import_extra

# A scheduler that does not answer for so long, in seconds, is not there.
_CONNECT_S = 30


@dataclass(frozen=True, slots=True)
class ExecutorChoice:
    """`factory` is `module:function`, and `scheduler` the address of a Dask cluster; at most one.

    Without either, this process hashes.
    """

    factory: str | None = None
    scheduler: str | None = None

    def check_choice(self) -> None:
        """Raise UsageError where the two say different things, or where no factory is named."""
        if self.factory is not None and self.scheduler is not None:
            raise UsageError("--executor and --scheduler each name who hashes; give one of them")
        if self.factory is not None:
            _split_factory(self.factory)


@contextmanager
def open_executor(choice: ExecutorChoice) -> Iterator[Executor | None]:
    """Open the executor that is chosen; None for this process.

    What a factory made is shut down at the end. A cluster that ran before runs on.
    """
    choice.check_choice()
    if choice.scheduler is not None:
        with _connecting(choice.scheduler) as executor:
            yield executor
    elif choice.factory is not None:
        made = _make_executor(choice.factory)
        try:
            yield made
        finally:
            made.shutdown(wait=False)
    else:
        yield None


def _split_factory(name: str) -> tuple[str, str]:
    module, _, function = name.partition(":")
    parts = module.split(".")
    if not function.isidentifier() or not all(part.isidentifier() for part in parts):
        raise UsageError(
            f"--executor takes module:function, such as mycluster:make_executor, not"
            f" {printable_name(name)}"
        )
    return module, function


def _make_executor(name: str) -> Executor:
    module_name, function = _split_factory(name)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(
            f"--executor {name}: {printable_name(str(error))}; the module has to be importable,"
            " by PYTHONPATH if it is not installed"
        ) from error
    factory = getattr(module, function, None)
    if not callable(factory):
        raise UsageError(f"--executor {name}: the module {module_name} has no function {function}")
    try:
        made: Any = factory()
    except Exception as error:  # it is the person’s own code
        reason = printable_name(f"{type(error).__name__}: {error}")[:500]
        raise MlverError(f"--executor {name} made no executor: {reason}") from error
    if not isinstance(made, Executor):
        raise UsageError(
            f"--executor {name} returned no concurrent.futures.Executor, but"
            f" {printable_name(type(made).__name__)}"
        )
    return made


@contextmanager
def _connecting(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster that runs already."""
    distributed = import_extra("distributed", "dask")
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = printable_name(f"{error}" or type(error).__name__)[:500]
        raise MlverError(
            f"no Dask scheduler answers at {printable_name(address)}: {reason}"
        ) from error
    try:
        executor: Executor = client.get_executor(pure=False, retries=2)
        yield executor
    finally:
        client.close()
