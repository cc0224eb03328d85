"""Whether a push may make, move or delete a tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.features.hooks.deleted_seals import RemainingBranches, judge_deletion
from mlver.features.hooks.updates import TAGS, RefUpdate
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.changes_in import is_absent
from mlver.git.git_tag import GitTag
from mlver.git.repository import GitRepository
from mlver.git.signatures import check_signature, signature_checker
from mlver.policy.chain import SignatureState, judge_signature, judge_tag
from mlver.project.history.policies import read_settings
from mlver.project.history.signers import open_key_checker, read_signers
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.project.tags import seals
from mlver.project.tags.missing_seals import find_before_seals
from mlver.project.tags.signing import find_before_signing
from mlver.records import layout
from mlver.records.tags import read_tag_name


@dataclass(frozen=True, slots=True)
class _SealedThing:
    """What a tag seals, in words, and the command for a person who wanted to move the tag."""

    description: str
    alternative: str


def judge_tag_update(
    repository: GitRepository,
    update: RefUpdate,
    remote: str,
    main: Sequence[str],
    find_branches: Callable[[], RemainingBranches],
) -> Iterator[Finding]:
    """Judge what a push to a remote does to one tag; other tools' tags are free.

    `main` is the main branch there: as it is, whose settings count, and as it is to be.
    """
    name = update.ref.removeprefix(TAGS)
    old = _read_tag_object(repository, name, update.old)
    new = _read_tag_object(repository, name, update.new)
    record_path = _find_record_path(repository, name, old, new)
    if record_path is None:
        return
    sealed = _describe_sealed(record_path)
    if old is not None and _is_worthless(repository, record_path, old, main):
        # it would stand in the way of a seal that is good
        if new is not None:
            yield from _judge_seal(repository, record_path, new, main)
    elif new is None:
        message = f"seals {sealed.description}, and would be deleted"
        fetch = shell_command("git", "fetch", remote, f"{update.ref}:{update.ref}")
        refusal = Finding("tag", name, message, (fetch,))
        if old is None:
            yield refusal
        else:
            yield from judge_deletion(repository, record_path, old, find_branches(), refusal)
    elif not is_absent(update.old):
        message = f"seals {sealed.description} there already, and would be moved"
        yield Finding("tag", name, message, (sealed.alternative,))
    else:
        yield from _judge_seal(repository, record_path, new, main)


def _read_tag_object(repository: GitRepository, name: str, object_id: str) -> GitTag | None:
    if is_absent(object_id):
        return None
    return repository.tag_objects({name: object_id}).get(name)


def _find_record_path(
    repository: GitRepository, name: str, old: GitTag | None, new: GitTag | None
) -> str | None:
    """The path of the record that a tag stands for.

    None for a tag that is none of mlver's, such as a package's `name@v1.2.3`.
    """
    tag_name = read_tag_name(name)
    if tag_name is None:
        return None
    record_path = layout.record_path(tag_name)
    record_place = layout.parse_path(record_path)
    if record_place is None:
        return None
    tags = [pushed_tag for pushed_tag in (old, new) if pushed_tag is not None]
    if any(pushed_tag.seals for pushed_tag in tags):
        return record_path
    folder = f"{layout.MODELS}/{record_place.model}"
    # `digits@v1.2` may be another tool's, unless there is a stage `v1`
    if record_place.kind == "promotion":
        folder = layout.stage_folder(record_place.model, record_place.stage)
    commits = [*(pushed_tag.commit for pushed_tag in tags), repository.head().commit]
    folders = [f"{commit}:{folder}" for commit in commits if commit]
    if any(changes_in.find_objects(repository, folders)):
        return record_path
    return None


def _judge_seal(
    repository: GitRepository, path: str, tag: GitTag, main: Sequence[str]
) -> Iterator[Finding]:
    contents = None
    settings = None
    if tag.commit:
        # in one request, so that settings that ask for nothing cost nothing
        places = [f"{tag.commit}:{path}", *(f"{commit}:{layout.CONFIG}" for commit in main[:1])]
        contents, settings = (*repository.blobs(places), None)[:2]
    # a tag without a digest seals nothing, and no record has the empty one
    sealed = Digest.parse(tag.seals) if tag.seals else Digest("")
    findings = judge_tag(tag.name, path, sealed, seals.seal_from_bytes(tag, contents))
    yield from findings
    if findings or contents is None:
        return
    show = shell_command("git", "show", tag.name)
    try:
        if layout.is_version_path(path):
            decode_version(contents, path)
        elif decode_promotion(contents, path).format == 1:
            # those never had to be signed
            return
    except MlverError as error:
        yield Finding("record", path, summarise_error(error, path), (show,))
        return
    signature = _check_signature(repository, tag)
    required = False
    if signature in ("unsigned", "unknown") and settings is not None and b"signed" in settings:
        required = _has_to_be_signed(repository, path, tag, main)
    if required and signature == "unknown":
        judged = _check_by_signers(repository, tag, main[0])
        # Keys that nobody could look up here may be known elsewhere.
        required = judged is not None
        signature = judged or signature
    yield from judge_signature(tag.name, signature, required=required)


def _check_by_signers(repository: GitRepository, tag: GitTag, commit: str) -> SignatureState | None:
    """Check a signature by the signers that a commit lists; None where they cannot judge it."""
    signers = read_signers(repository, commit)
    if not signers or not tag.has_ssh_signature:
        return None
    with open_key_checker(repository, signers) as checker:
        return check_signature(checker, tag)


def _check_signature(repository: GitRepository, tag: GitTag) -> SignatureState:
    if not tag.is_signed:
        return "unsigned"
    return check_signature(signature_checker(repository), tag)


def _has_to_be_signed(
    repository: GitRepository, path: str, tag: GitTag, main: Sequence[str]
) -> bool:
    """Say whether `mlver verify` will ask for a signature once the tag's record has landed."""
    if not main or tag.commit is None:
        return False
    config = read_settings(repository, main[:1])[main[0]].config
    if config is None or not config.tags.signed:
        return False
    return path not in find_before_signing(repository, [path], tag.commit, beside=main)


def _is_worthless(repository: GitRepository, path: str, tag: GitTag, main: Sequence[str]) -> bool:
    """Say whether a standing tag is a seal that no key will ever make good: its signature is wrong,
    or missing where it has to be.

    A signature by a key that is not known here may be good elsewhere. What is not known for sure
    counts as a good seal.
    """
    if not tag.seals or tag.commit is None:
        return False
    signature = _check_signature(repository, tag)
    if signature != "unsigned":
        return signature == "bad"
    if not _has_to_be_signed(repository, path, tag, main):
        return False
    # a squash merge may have landed the record by another commit than the one that is tagged
    here = main[0]
    if path in find_before_signing(repository, [path], here):
        return False
    if layout.is_version_path(path):
        return True
    return not any(find_before_seals(repository, place, [path]) for place in (tag.commit, here))


def _describe_sealed(path: str) -> _SealedThing:
    record_place = layout.parse_path(path)
    model = record_place.model if record_place else "MODEL"
    if record_place is not None and record_place.kind == "promotion":
        stage = record_place.stage
        promote = shell_command("mlver", "promote", model, "--to", stage, "-m", "WHY")
        return _SealedThing("a promotion", promote)
    register = shell_command("mlver", "register", model, "--bump", "patch", "-m", "WHY")
    return _SealedThing("a version", register)
