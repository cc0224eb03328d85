"""What a hint may be: a command that can be typed, with names in capitals to fill in."""

from __future__ import annotations

import re

PROGRAMS = frozenset(
    {
        "mlver",
        "git",
        "grep",
        "gh",
        "dvc",
        "hf",
        "pip",
        "rm",
        "mv",
        "cp",
        "ls",
        "mkdir",
        "touch",
        "chmod",
        "cat",
        "sed",
        "sha256sum",
        "echo",
    }
    | {"df", "quota", "mount", "dmesg", "ulimit", "export", "unset", "date", "aws", "az", "gcloud"}
    | {"ssh", "ssh-copy-id", "ss"}
)
_PROSE = re.compile(r" or | then |…|\(|, |: |; ")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\$\([^)]*\)")


def judge_command(text: str) -> str | None:
    """Why a text is no command; None where it is one."""
    if text.split(" ", 1)[0] not in PROGRAMS:
        return f"it begins with no known program: {text}"
    if _PROSE.search(_QUOTED.sub("", text)):
        return f"it holds prose: {text}"
    return None
