"""Content-addressed stores: one Protocol, a module a back-end."""

from mlver.storage.local import LocalStore
from mlver.storage.store import ObjectIntake, ObjectStore, StoreProblem

__all__ = ["LocalStore", "ObjectIntake", "ObjectStore", "StoreProblem"]
