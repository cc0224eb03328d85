"""CODEOWNERS: whose review a forge asks for before a change of the rules, or a release, comes in.

GitHub and GitLab take it from the branch that a change is to land on; the last line that fits a
path counts.
"""

from __future__ import annotations

from mlver.errors import UsageError
from mlver.features.releasing.pipelines.settings import Forge, PipelineSettings
from mlver.records import layout

_PLACES: dict[Forge, str] = {"github": ".github/CODEOWNERS", "gitlab": ".gitlab/CODEOWNERS"}


def find_place(forge: Forge) -> str:
    """Find where a forge looks for it; raise UsageError for one that has no such file."""
    if forge not in _PLACES:
        raise UsageError(
            f"--codeowners is for {' and '.join(_PLACES)}: {forge} reads no such file",
            hint="mlver ci github --codeowners @ORG/LEADS",
        )
    return _PLACES[forge]


def render_owners(forge: Forge, settings: PipelineSettings) -> str:
    """Render the lines of the file."""
    policy = settings.codeowners
    releases = settings.releasers or policy
    models = f"/{layout.MODELS}/*"
    lines = [
        "# Who promotes, approves, and says what data may be used for.",
        f"{models}/stages/ {releases}",
        f"{models}/approvals/ {releases}",
        f"/{layout.AUTHORISATIONS}/ {releases}",
        "# What judges them, and this file itself.",
        f"/{layout.CONFIG} {policy}",
        f"/{layout.ALLOWED_SIGNERS} {policy}",
        f"/{find_place(forge)} {policy}",
    ]
    return "\n".join([*lines, ""])
