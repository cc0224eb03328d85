"""mlver: git-native version management for machine-learning models.

import mlver
mlver.register("digits", "wider layer", weights="net.onnx", metrics={"accuracy": 0.94})
mlver.promote("digits", to="staging", message="to be tried")
answer = mlver.open(".").resolve("digits@production")
model = load(answer.path)          # verified files
print(answer.name, answer.version, answer.digest)
"""

from __future__ import annotations

TYPE_CHECKING = (
    False  # as type checkers know it; importing `typing` for it costs a hook half of its time
)
if TYPE_CHECKING:
    from mlver.api import (
        GatesShut,
        Registry,
        empty_stage,
        note,
        promote,
        register,
        restore,
        retire,
        rollback,
        run,
        versions,
    )
    from mlver.errors import MlverError
    from mlver.git.gitpython import Place

__all__ = [
    "GatesShut",
    "MlverError",
    "__version__",
    "empty_stage",
    "note",
    "open",
    "promote",
    "register",
    "restore",
    "retire",
    "rollback",
    "run",
    "versions",
]
__version__ = "0.1.0"


def open(path: Place = ".") -> Registry:
    """The registry of the work tree that a path (or a `git.Repo`) is in; raise MlverError where
    there is none.
    """
    from mlver.api import Registry

    return Registry.find(path)


if not TYPE_CHECKING:
    # Type checkers would take any name for one that is there.
    def __getattr__(name: str) -> object:
        """Load what is asked for: all commands and hooks import this module, and need nothing."""
        if name not in __all__:
            raise AttributeError(f"module 'mlver' has no attribute {name!r}")
        from mlver import api

        return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
