"""Targets and versions as renderers get them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.serving.served import ServedTarget, ServedVersion, TrafficShare
from mlver.version import parse_version

MODELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)


def make_version(
    number: str, model: str = "digits", files: Mapping[str, Digest] | None = None
) -> ServedVersion:
    """A version as production has it."""
    return ServedVersion(
        model=model,
        version=parse_version(number),
        record=Digest.of_bytes(f"{model} {number}".encode()),
        stage="production",
        sequence=1,
        files=files or {},
    )


def make_target(
    stable: str | None = "1.0.0",
    canary: str | None = None,
    *,
    share: TrafficShare | None = None,
    kept: tuple[str, ...] = (),
    model: str = "digits",
) -> ServedTarget:
    """A target `host` that serves these versions."""
    return ServedTarget(
        name="host",
        stable=None if stable is None else make_version(stable, model),
        canary=None if canary is None else make_version(canary, model),
        share=share,
        kept=tuple(make_version(number, model) for number in kept),
    )
