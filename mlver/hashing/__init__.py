"""What an artifact's bytes are: walk, stat cache, SHA-256 in parallel."""

from mlver.hashing.cache import StatCache
from mlver.hashing.measure import Measured, measure
from mlver.hashing.sink import Blob, Sink

__all__ = ["Blob", "Measured", "Sink", "StatCache", "measure"]
