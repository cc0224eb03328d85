"""The Dockerfile of one version: what serves it, and its files in a folder of the image."""

from __future__ import annotations

from mlver.policy.serving.resource_names import list_environment
from mlver.policy.serving.served import ServedVersion


def write_dockerfile(version: ServedVersion, base: str, mount: str) -> str:
    """Build upon the image `base`; the folder `model` beside the file becomes `mount`.

    Nothing of it needs quotes: the layout's options and the names of models and versions have
    neither spaces nor signs that a Dockerfile knows.
    """
    variables = {**list_environment(version), "MODEL_PATH": mount}
    lines = [
        f"# mlver wrote this for {version.model} {version.version}, and will write it again.",
        f"FROM {base}",
        f"LABEL org.opencontainers.image.version={version.version}",
        *(f"ENV {name}={value}" for name, value in variables.items()),
        f"COPY model/ {mount}/",
    ]
    return "".join(f"{line}\n" for line in lines)
