"""The object store beside git's own objects: the first copy of everything."""

from mlver.storage.local.store import LocalStore

__all__ = ["LocalStore"]
