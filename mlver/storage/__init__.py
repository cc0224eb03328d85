"""Content-addressed stores: one Protocol, a module a back-end."""

from mlver.storage.local import LocalStore
from mlver.storage.store import Intake, ObjectStore, Problem

__all__ = ["Intake", "LocalStore", "ObjectStore", "Problem"]
