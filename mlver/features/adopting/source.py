"""What an adoption reads: the request, the repository's tags, and the bytes that others keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver import names
from mlver.errors import UsageError
from mlver.features.adopting import foreign_tags
from mlver.features.adopting.foreign_tags import TagClaims
from mlver.git.annotations import TagAnnotation, read_annotations
from mlver.git.repository import GitTag
from mlver.project.artifacts.elsewhere.find import ExternalCopies
from mlver.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest:
    """What the person asked for.

    Paths are as typed; they take precedence over a model's settings and over annotations.
    """

    model: str | None = None
    pattern: str | None = None
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AdoptionSource:
    """One repository as an adoption reads it; `annotations` are of every tag, by its name."""

    project: Project
    request: AdoptRequest
    tags: Mapping[str, GitTag]
    annotations: Mapping[str, TagAnnotation]
    copies: ExternalCopies


def open_source(project: Project, request: AdoptRequest) -> AdoptionSource:
    """Read the tags of a repository."""
    return AdoptionSource(
        project=project,
        request=request,
        tags=project.repository.tags(),
        annotations=read_annotations(project.repository),
        copies=ExternalCopies(project),
    )


def read_tag_claims(source: AdoptionSource) -> TagClaims:
    """Read what the tags that seal nothing claim; raise UsageError where a model must be named."""
    request = source.request
    model = None
    if request.model:
        model = names.check_model(request.model)
    foreign_names = [tag_name for tag_name, tag in source.tags.items() if not tag.seals]
    claims = foreign_tags.read_claims(foreign_names, model, request.pattern)
    if model is not None:
        return claims
    if request.weights or request.data:
        raise UsageError(
            "paths are of one model; say which", hint="mlver adopt MODEL --weights PATH"
        )
    plain_tags = foreign_tags.select_plain_tags(foreign_names)
    if plain_tags and not claims.versions and request.pattern is None:
        raise UsageError(
            f"{plain_tags[0]} names a version and no model; say whose it is",
            hint="mlver adopt MODEL",
        )
    return claims
