"""A share of the traffic, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlver.project.rollouts.open_shares import OpenShare


def format_share(share: OpenShare) -> str:
    """Write `1.1.0 at 10 % (canary)`."""
    by_header = f" by {share.header}" if share.header else ""
    return f"{share.version} at {share.share:g} % ({share.strategy}{by_header})"
