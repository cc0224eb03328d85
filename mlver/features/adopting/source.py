"""What an adoption reads: the request, the repository's tags, and the bytes that others keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlver import names
from mlver.errors import MlverError, UsageError, printable_name
from mlver.features.adopting import foreign_tags
from mlver.features.adopting.committed_files import CommittedFiles
from mlver.features.adopting.foreign_tags import TagClaims
from mlver.git.annotations import TagAnnotation, read_annotations
from mlver.git.git_tag import GitTag
from mlver.git.revisions import resolve_revision
from mlver.project.artifacts.elsewhere.find import ExternalCopies
from mlver.project.project import Project
from mlver.records import gto_tags

_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest:
    """What the person asked for.

    Paths are as typed; they take precedence over a model's settings and over annotations. With
    `skip_lost`, what is lost for good keeps nothing else from being adopted.
    """

    model: str | None = None
    pattern: str | None = None
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    params: Sequence[str] = ()
    metrics: Sequence[str] = ()
    skip_lost: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AdoptionSource:
    """One repository as an adoption reads it; `annotations` are of every tag, by its name."""

    project: Project
    request: AdoptRequest
    tags: Mapping[str, GitTag]
    annotations: Mapping[str, TagAnnotation]
    copies: ExternalCopies
    files: CommittedFiles

    def find_commit(self, tag_name: str) -> str | None:
        """The commit that a tag names, be it through tags of tags; None where it names none."""
        tag = self.tags[tag_name]
        if tag.commit is not None or not tag.annotated:
            return tag.commit
        try:
            return resolve_revision(self.project.repository, f"refs/tags/{tag_name}")
        except MlverError:
            return None


def open_source(project: Project, request: AdoptRequest) -> AdoptionSource:
    """Read the tags of a repository."""
    return AdoptionSource(
        project=project,
        request=request,
        tags=project.repository.tags(),
        annotations=read_annotations(project.repository),
        copies=ExternalCopies(project),
        files=CommittedFiles(project),
    )


def read_tag_claims(source: AdoptionSource) -> TagClaims:
    """Read what the tags that seal nothing claim; raise UsageError where a model must be named."""
    request = source.request
    model = None
    if request.model:
        model = names.check_model(request.model)
    foreign_names: list[str] = []
    for tag_name, tag in source.tags.items():
        # what mlver writes for those who go by GTO's tags is never read back
        if not tag.seals and gto_tags.read_mirrored(tag.message) is None:
            foreign_names.append(tag_name)
    claims = foreign_tags.read_claims(foreign_names, model, request.pattern)
    if model is not None:
        _tell_passed_over(source, claims)
        return claims
    if request.weights or request.data or request.params or request.metrics:
        raise UsageError(
            "paths are of one model; say which", hint="mlver adopt MODEL --weights PATH"
        )
    plain_tags = foreign_tags.select_plain_tags(foreign_names)
    if plain_tags and not claims.versions and request.pattern is None:
        raise UsageError(
            f"{plain_tags[0]} names a version and no model; say whose it is",
            hint="mlver adopt MODEL",
        )
    _tell_passed_over(source, claims)
    return claims


def _tell_passed_over(source: AdoptionSource, claims: TagClaims) -> None:
    """Say which tags are not gone by, so that nothing is left out in silence."""
    reporter = source.project.reporter
    for double, taken in claims.doubles[:_TOLD]:
        reporter.show_note(f"{double} names the version that {taken} names already: passed over")
    if len(claims.doubles) > _TOLD:
        reporter.show_note(f"so were {len(claims.doubles) - _TOLD} more that others name already")
    if claims.unread:
        names_told = ", ".join(map(printable_name, claims.unread[:_TOLD]))
        hidden = len(claims.unread) - _TOLD
        more_words = f" and {hidden:,} more" if hidden > 0 else ""
        reporter.show_note(
            f"passed over {names_told}{more_words}, which name no MAJOR.MINOR.PATCH of a model;"
            " --pattern says how others are named"
        )
