"""`mlver doctor`: inspect the repository, the object store, git and its settings; say what to type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, shell_command
from mlver.git import remotes
from mlver.git.hooks import is_own_hook
from mlver.policy.chain import BrokenLink, judge_seal
from mlver.project.artifacts import measuring, repair
from mlver.project.audit import audit
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.setup import init_project
from mlver.project.tags import seals
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.tags import version_tag_name
from mlver.version import Version

FindingLevel = Literal["good", "remark", "wrong"]
# The first that knows core.fsync, without which git itself forgets commits in a power cut.
_DURABLE_GIT = (2, 36)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `fixable`: `--fix` can mend it; `fixed`: it just did."""

    level: FindingLevel
    subject: str
    message: str
    hint: str | None = None
    fixable: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class DoctorResult:
    findings: tuple[Finding, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return (
            1
            if any(finding.level == "wrong" and not finding.fixed for finding in self.findings)
            else 0
        )


def diagnose_project(project: Project, *, fix: bool = False, dry_run: bool = False) -> DoctorResult:
    """Look at everything mlver depends on; with `fix`, mend what can be mended without losing anything.

    With `dry_run` nothing is mended, whatever `fix` says.
    """
    fix = fix and not dry_run
    findings = [*_check_git(project)]
    for look in (_check_layout, _check_interrupted, _check_records, _check_objects):
        findings += look(project, fix)
    for settle in (_check_hooks, _check_author, _check_clone, _check_remotes):
        findings += settle(project)
    return DoctorResult(tuple(findings), dry_run)


def _check_git(project: Project) -> Iterator[Finding]:
    version = project.repository.git_version()
    told = ".".join(map(str, version))
    if version[:2] < _DURABLE_GIT:
        message = f"{told} cannot sync what it writes: a power cut may lose a commit or a tag"
        yield Finding("wrong", "git", message, "upgrade git to 2.36 or newer")
    else:
        yield Finding("good", "git", f"{told}, at {project.top_folder}")
    unfinished = project.repository.unfinished()
    if unfinished:
        yield Finding(
            "remark",
            "git",
            f"{unfinished[0]} is in progress: nothing can be registered",
            unfinished[1],
        )
    elif project.repository.head().branch is None:
        yield Finding(
            "remark", "git", "HEAD is detached: nothing can be committed here", "git switch BRANCH"
        )


def _check_layout(project: Project, fix: bool) -> Iterator[Finding]:
    missing = init_project(project, dry_run=True).created
    if missing and fix:
        init_project(project)
    root = f"{layout.ROOT}/"
    unprepared = layout.CONFIG in missing and not project.registry.list_models()
    for path in [root] if unprepared else missing:
        yield Finding("wrong", path, "is missing", "mlver init", fixable=True, fixed=fix)
    if layout.CONFIG not in missing or fix:
        yield _check_stages(project)
    if project.repository.ignores(layout.CONFIG):
        hint = "take it out of .gitignore: git check-ignore -v .mlver/config.yaml"
        yield Finding("wrong", layout.ROOT, "is ignored by git, so clones would not get it", hint)


def _check_stages(project: Project) -> Finding:
    try:
        stages = ", ".join(project.registry.read_config().stages)
        return Finding("good", layout.CONFIG, f"stages {stages}")
    except InvalidDocument as error:
        link = audit.describe_unreadable(project, "settings", layout.CONFIG, error)
        return Finding("wrong", layout.CONFIG, link.message, link.hint)
    except MlverError as error:
        return Finding("wrong", layout.CONFIG, error.message, error.hint)


def _check_interrupted(project: Project, fix: bool) -> Iterator[Finding]:
    plan = intent.read_pending(project.state_directory)
    if plan is None:
        return
    if fix:
        with editing(project, "doctor"):
            pass  # settling what was interrupted comes first in every edit
    message = f"`{plan.what}` was interrupted, or is still at work; the next command that writes settles it"
    yield Finding("remark", "recovery", message, "mlver doctor --fix", fixable=True, fixed=fix)


def _check_records(project: Project, _: bool) -> Iterator[Finding]:
    """Every version's record, its manifests and its seal; what HEAD holds and the work tree does not."""
    sealing = (
        "git fetch --tags   (for seals made elsewhere; else: mlver tag)"
        if _has_remote(project)
        else "mlver tag"
    )
    fresh = project.without_cache
    models = fresh.registry.list_models()
    broken: list[BrokenLink] = []
    count = 0
    for model in models:
        known = {
            version: _read_digest(fresh, model, version, broken)
            for version in fresh.registry.list_versions(model)
        }
        found = {version: digest for version, digest in known.items() if digest is not None}
        count += len(found)
        tags = seals.read_tagged_seals(fresh, model, found)
        for version, digest in found.items():
            if str(version) in tags:
                broken += judge_seal(model, version, digest, tags[str(version)][1])
            else:
                yield Finding(
                    "remark",
                    version_tag_name(model, version),
                    "no tag seals this record yet",
                    sealing,
                )
    broken += audit.find_uncommitted(fresh, models)
    broken += audit.catch_errors(layout.MANIFESTS, audit.check_manifests(fresh))
    for link in dict.fromkeys(broken):
        yield Finding(
            "remark" if link.kind == "unsealed" else "wrong", link.subject, link.message, link.hint
        )
    said = f"{count} version{'s' * (count != 1)} of {len(models)} model{'s' * (len(models) != 1)}"
    if all(link.kind == "unsealed" for link in broken):
        yield Finding("good", "records", said)


def _read_digest(
    project: Project, model: str, version: Version, broken: list[BrokenLink]
) -> Digest | None:
    """The digest of a record that can be read; `broken` is told of it, or of its manifests, where one cannot."""
    try:
        record, digest = project.registry.read_version(model, version)
    except MlverError as error:
        broken.append(
            audit.describe_unreadable(project, "record", layout.version_path(model, version), error)
        )
        return None
    for name, artifact in record.named_artifacts().items():
        try:
            measuring.list_entries(project, artifact)
        except MlverError as error:
            broken.append(
                BrokenLink("manifest", f"{model} {version} {name}", error.message, error.hint)
            )
    return digest


def _check_objects(project: Project, fix: bool) -> Iterator[Finding]:
    """Every object that a version pins, read and hashed; those lost are looked for among the working files."""
    lost = repair.find_losses(project)
    if fix and lost:
        with editing(project, "doctor"):
            repair.restore_objects(project, lost)
        still = set(repair.find_losses(project))
    else:
        still = set(lost)
    for loss in lost:
        at_hand = repair.is_at_hand(project, loss)
        hint = (
            "mlver doctor --fix"
            if at_hand
            else "copy .git/mlver/objects and packs from a clone that has them"
        )
        yield Finding(
            "wrong", loss.subject, loss.message, hint, fixable=at_hand, fixed=loss not in still
        )
    if not lost:
        yield Finding(
            "good", "objects", "every stored byte that the records name is present and right"
        )
    aside = repair.count_quarantined(project)
    if aside:
        where = project.state_directory / "quarantine"
        copies = "1 damaged copy is" if aside == 1 else f"{aside} damaged copies are"
        message = f"{copies} kept aside, and never served"
        hint = f"{shell_command('ls', where)}   (nothing there is needed once all is well)"
        yield Finding("remark", "quarantine", message, hint)


def _check_hooks(project: Project) -> Iterator[Finding]:
    for name, executable in project.repository.commit_hooks():
        if not executable:
            yield Finding(
                "remark",
                "hooks",
                f"{name} is not executable, so git skips it",
                shell_command("chmod", "+x", name),
            )
        elif is_own_hook(name):
            yield Finding(
                "good", "hooks", f"{name} is mlver's own: it judges what a commit would bring in"
            )
        else:
            yield Finding(
                "good", "hooks", f"{name} runs on mlver's commits; keep it from rewriting .mlver/"
            )


def _check_author(project: Project) -> Iterator[Finding]:
    try:
        yield Finding("good", "author", project.repository.author())
    except MlverError as error:
        yield Finding("wrong", "author", "git does not know who you are", error.hint)


def _has_remote(project: Project) -> bool:
    return remotes.default_remote(project.repository) is not None


def _check_clone(project: Project) -> Iterator[Finding]:
    """What a clone was told to leave out."""
    if project.repository.is_shallow():
        message = "this clone is shallow: what was done to a record before its history begins cannot be told"
        yield Finding("remark", "history", message, "git fetch --unshallow --tags")
    for _, name, value in project.repository.settings(r"^remote\..*\.(tagopt|promisor)$"):
        remote = name.split(".", 1)[1].rpartition(".")[0]
        if value == "--no-tags":
            message = f"none come from {remote} by themselves, so what was sealed elsewhere looks unsealed here"
            yield Finding(
                "remark", "tags", message, shell_command("git", "fetch", "--tags", remote)
            )
        elif value == "true":
            message = f"this clone is partial: mlver fetches nothing from {remote} behind your back, and says what is missing"
            yield Finding(
                "remark", "history", message, "git log --all --patch -- .mlver >/dev/null"
            )


def _check_remotes(project: Project) -> Iterator[Finding]:
    remote = remotes.default_remote(project.repository)
    if remote is None:
        hint = "git remote add origin URL, then git push and mlver tag --push"
        yield Finding(
            "remark", "remote", "there is none: this is the only copy of the records", hint
        )
    else:
        yield Finding("good", "remote", f"{remote}; send tags there with mlver tag --push")
