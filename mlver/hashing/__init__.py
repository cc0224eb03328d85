"""What an artifact's bytes are: walk, stat cache, SHA-256 in parallel."""

from mlver.hashing.cache import StatCache
from mlver.hashing.measure import MeasuredArtifact, measure_artifact
from mlver.hashing.sink import BlobWriter, ContentSink

__all__ = ["BlobWriter", "ContentSink", "MeasuredArtifact", "StatCache", "measure_artifact"]
