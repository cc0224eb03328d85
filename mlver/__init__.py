"""mlver: git-native version management for machine-learning models.

import mlver
answer = mlver.open(".").resolve("digits@production")
model = load(answer.path)          # verified files
print(answer.name, answer.version, answer.digest)
"""

from __future__ import annotations

TYPE_CHECKING = (
    False  # as type checkers know it; importing `typing` for it costs a hook half of its time
)
if TYPE_CHECKING:
    from mlver.api import Registry
    from mlver.git.gitpython import Place

__all__ = ["__version__", "open"]
__version__ = "0.1.0"


def open(path: Place = ".") -> Registry:
    """The registry of the work tree that a path (or a `git.Repo`) is in; raise MlverError where
    there is none.
    """
    from mlver.api import Registry

    return Registry.find(path)
