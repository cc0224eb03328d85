"""`mlver doctor`: inspect the repository, its objects, git and its settings; say what to type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import (
    InvalidDocument,
    MlverError,
    printable_name,
    shell_command,
    summarise_error,
)
from mlver.features.checking.cache_check import check_cache
from mlver.features.checking.clone_checks import (
    check_clone,
    check_remotes,
    check_sharing,
    has_remote,
)
from mlver.features.checking.diagnosis import Diagnosis, DoctorCheck, PassedCheck
from mlver.features.checking.held_versions import check_holders
from mlver.findings import Finding
from mlver.git.hooks import is_own_hook
from mlver.policy.chain import UNSEALED_HINTS, judge_seal
from mlver.project.artifacts import measuring, repair
from mlver.project.artifacts.listed import find_listing_faults
from mlver.project.artifacts.remedies import RESTORE
from mlver.project.audit import audit
from mlver.project.audit.authorised_data import check_authorisations
from mlver.project.audit.chains import check_chains
from mlver.project.audit.conversion import find_conversion
from mlver.project.audit.deployments import check_deployments
from mlver.project.audit.kept_files import check_pinned_files
from mlver.project.edit import intent
from mlver.project.edit.edit import find_unfinished
from mlver.project.edit.intent import ForeignIntent
from mlver.project.history import case_twins
from mlver.project.project import Project
from mlver.project.setup import init_project
from mlver.project.tags import seals
from mlver.project.transaction import editing, set_foreign_aside, settle_interrupted
from mlver.records import layout
from mlver.records.tags import version_tag_name
from mlver.version import Version

# The first that knows core.fsync, without which git itself forgets commits in a power cut.
_DURABLE_GIT = (2, 36)


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """Everything that was looked at, in this order: what is right, and what is not."""

    passed: tuple[PassedCheck, ...]
    diagnoses: tuple[Diagnosis, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        for diagnosis in self.diagnoses:
            if diagnosis.level == "wrong" and not diagnosis.fixed:
                return 1
        return 0


def diagnose_project(project: Project, *, fix: bool = False, dry_run: bool = False) -> DoctorResult:
    """Look at everything mlver depends on; with `fix`, fix what can be fixed without losing
    anything.

    With `dry_run` nothing is fixed, whatever `fix` says.
    """
    fix = fix and not dry_run
    # Settings that cannot be read in full may forbid to write; `_check_config` names them.
    may_write = fix and _accepts_settings(project)
    checks: list[DoctorCheck] = [
        *_check_git(project),
        *_check_interrupted(project, fix=fix),
        *_check_layout(project, fix=may_write),
        *_check_records(project),
        *_check_objects(project, fix=may_write),
        *check_holders(project),
        *_check_quarantine(project),
        *check_cache(project),
        *_check_hooks(project),
        _check_author(project),
        *check_clone(project),
        *check_remotes(project),
        *check_sharing(project),
    ]
    passed = tuple(check for check in checks if isinstance(check, PassedCheck))
    diagnoses = tuple(check for check in checks if isinstance(check, Diagnosis))
    return DoctorResult(passed, diagnoses, dry_run)


def _accepts_settings(project: Project) -> bool:
    """Whether this mlver reads all of the settings."""
    try:
        project.registry.refuse_unread_settings()
    except MlverError:
        return False
    return True


def _check_git(project: Project) -> Iterator[DoctorCheck]:
    version = project.repository.git_version()
    shown_version = ".".join(map(str, version))
    if version[:2] < _DURABLE_GIT:
        message = (
            f"{shown_version} cannot sync what it writes: a power cut may lose a commit or a tag;"
            " upgrade it to 2.36 or newer"
        )
        yield Diagnosis(Finding("git", "git", message, ("git --version",)), level="wrong")
    else:
        yield PassedCheck("git", f"{shown_version}, at {project.top_folder}")
    unfinished = find_unfinished(project.repository)
    if unfinished:
        operation, next_command = unfinished
        message = f"{operation} is in progress: nothing can be registered"
        yield Diagnosis(Finding("git", "git", message, (next_command,)), level="remark")
    elif project.repository.head().branch is None:
        message = "HEAD is detached: nothing can be committed here"
        yield Diagnosis(Finding("git", "git", message, ("git switch BRANCH",)), level="remark")


def _check_layout(project: Project, *, fix: bool) -> Iterator[DoctorCheck]:
    missing = list(init_project(project, dry_run=True).created)
    if missing and fix:
        init_project(project)
    config_is_missing = layout.CONFIG in missing
    if config_is_missing and not project.registry.list_models():
        missing = [f"{layout.ROOT}/"]  # nothing was ever set up: one line says it all
    for missing_path in missing:
        finding = Finding("layout", missing_path, "is missing", ("mlver init",))
        yield Diagnosis(finding, level="wrong", fixable=True, fixed=fix)
    if fix or not config_is_missing:
        yield _check_config(project)
    for finding in audit.find_leftovers(project):
        yield Diagnosis(finding, level="remark")
    for finding in find_conversion(project):
        yield Diagnosis(finding, level="wrong")
    if project.repository.ignores(layout.CONFIG):
        message = "is ignored by git, so clones would not get it; take it out of .gitignore"
        next_command = shell_command("git", "check-ignore", "-v", layout.CONFIG)
        yield Diagnosis(Finding("layout", layout.ROOT, message, (next_command,)), level="wrong")


def _check_config(project: Project) -> DoctorCheck:
    try:
        stages = ", ".join(project.registry.read_config().stages)
    except InvalidDocument as error:
        finding = audit.describe_unreadable(project, "settings", layout.CONFIG, error)
    except MlverError as error:
        finding = Finding(
            "settings", layout.CONFIG, summarise_error(error, layout.CONFIG), error.hints
        )
    else:
        return PassedCheck(layout.CONFIG, f"stages {stages}")
    return Diagnosis(finding, level="wrong")


def _check_interrupted(project: Project, *, fix: bool) -> Iterator[DoctorCheck]:
    plan = None
    try:
        plan = intent.read_pending(project.state_directory)
    except ForeignIntent as error:
        yield _judge_foreign_plan(project, error, fix=fix)
    if fix:
        # Without a plan, too: no plan names the temporary files of commands that were killed.
        try:
            settle_interrupted(project, "doctor")
        except MlverError as error:
            finding = Finding("recovery", "recovery", error.message, error.hints)
            yield Diagnosis(finding, level="wrong")
            return
    if plan is None:
        return
    message = (
        f"`{plan.what}` was interrupted, or is still at work; "
        "the next command that writes records settles it"
    )
    if plan.followed:
        folders = ", ".join(map(printable_name, plan.followed.values()))
        message = f"{message}, and removes what it left in {folders}"
    finding = Finding("recovery", "recovery", message, ("mlver doctor --fix",))
    yield Diagnosis(finding, level="remark", fixable=True, fixed=fix)


def _judge_foreign_plan(project: Project, error: ForeignIntent, *, fix: bool) -> Diagnosis:
    """A plan that nobody here vouches for; with `fix`, it is set aside, and nothing is undone."""
    finding = Finding("recovery", "recovery", error.message, error.hints)
    if not fix:
        return Diagnosis(finding, level="wrong", fixable=True)
    place = set_foreign_aside(project, "doctor")
    if place is not None:
        what_it_was = error.message.partition(";")[0]
        message = f"{what_it_was}; it was set aside, and nothing of it was carried out or undone"
        finding = Finding("recovery", "recovery", message, (shell_command("cat", place),))
    return Diagnosis(finding, level="wrong", fixable=True, fixed=True)


def _check_records(project: Project) -> Iterator[DoctorCheck]:
    """Every version's record, its manifests and its seal; what HEAD holds and the work tree does
    not.
    """
    models = project.registry.list_models()
    findings: list[Finding] = []
    version_count = 0
    for model in models:
        digests: dict[Version, Digest] = {}
        for version in project.registry.list_versions(model):
            digest, faults = _read_version(project, model, version)
            findings += faults
            if digest is not None:
                digests[version] = digest
        version_count += len(digests)
        findings += _judge_seals(project, model, digests)
        findings += _judge_stages(project, model)
    findings += audit.catch_errors(layout.MODELS, case_twins.check_names(project))
    findings += audit.find_uncommitted(project, models)
    findings += audit.catch_errors(layout.MANIFESTS, audit.check_manifests(project))
    findings += audit.catch_errors(layout.LISTINGS, audit.check_listings(project))
    findings += audit.catch_errors(layout.ROOT, audit.check_all_kept(project))
    findings += audit.catch_errors(layout.AUTHORISATIONS, check_authorisations(project))
    findings += audit.catch_errors(layout.DEPLOYMENTS, check_deployments(project))
    for finding in dict.fromkeys(findings):
        is_remark = finding.kind == "unsealed"
        yield Diagnosis(finding, level="remark" if is_remark else "wrong")
    if all(finding.kind == "unsealed" for finding in findings):
        versions = f"{version_count} version{'s' * (version_count != 1)}"
        yield PassedCheck("records", f"{versions} of {len(models)} model{'s' * (len(models) != 1)}")


def _read_version(
    project: Project, model: str, version: Version
) -> tuple[Digest | None, list[Finding]]:
    """The digest of a record that can be read, None where it cannot; and what is wrong with it or
    its manifests.
    """
    try:
        record, digest = project.registry.read_version(model, version)
    except MlverError as error:
        record_path = layout.version_path(model, version)
        return None, [audit.describe_unreadable(project, "record", record_path, error)]
    faults: list[Finding] = []
    for name, artifact in record.named_artifacts().items():
        if artifact.listing is not None:
            faults += find_listing_faults(project, f"{model} {version} {name}", artifact)
        try:
            measuring.pinned_files(project, artifact)
        except MlverError as error:
            subject = f"{model} {version} {name}"
            message = summarise_error(error, subject)
            faults.append(Finding("manifest", subject, message, error.hints))
    faults += check_pinned_files(project, record)
    return digest, faults


def _judge_seals(project: Project, model: str, digests: dict[Version, Digest]) -> Iterator[Finding]:
    tagged = seals.read_tagged_seals(project, model, digests)
    for version, digest in digests.items():
        if str(version) in tagged:
            path = layout.version_path(model, version)
            seal = seals.compare_history(project, path, digest, tagged[str(version)])
            yield from judge_seal(model, version, digest, seal)
            continue
        hints = UNSEALED_HINTS if has_remote(project) else ("mlver tag",)
        name = version_tag_name(model, version)
        yield Finding("unsealed", name, "no tag seals this record yet", hints)


def _judge_stages(project: Project, model: str) -> Iterator[Finding]:
    """The chains of a model's stages, and the promotions that no tag seals yet."""
    for chain in check_chains(project, model):
        yield from chain.findings
        for note in chain.notes:
            hints = note.hints if has_remote(project) else ("mlver tag",)
            yield replace(note, kind="unsealed", hints=hints)


def _check_objects(project: Project, *, fix: bool) -> Iterator[DoctorCheck]:
    """Every object that a version pins, read and hashed; those lost are looked for among the
    working files.
    """
    search = repair.find_losses(project)
    losses = search.losses
    if search.absence is not None:
        yield Diagnosis(search.absence, level="remark")
    elif not losses:
        message = "every stored byte that the records name is present and right"
        yield PassedCheck("objects", message)
        return
    remaining: dict[Digest, Finding] = {}
    if fix:
        with editing(project, "doctor"):
            repair.restore_objects(project, losses)
        # By digest: a damaged copy that was set aside is described in other words after that.
        remaining = {loss.digest: loss.finding for loss in repair.find_losses(project).losses}
    for loss in losses:
        finding = remaining.get(loss.digest, loss.finding)
        yield Diagnosis(
            finding,
            level="wrong",
            fixable=finding.hints == (RESTORE,),
            fixed=fix and loss.digest not in remaining,
        )


def _check_quarantine(project: Project) -> Iterator[DoctorCheck]:
    count = repair.count_quarantined(project)
    if not count:
        return
    copies = "1 damaged copy is" if count == 1 else f"{count} damaged copies are"
    message = f"{copies} kept aside and never served; once all is well, nothing there is needed"
    next_command = shell_command("ls", project.state_directory / "quarantine")
    yield Diagnosis(Finding("object", "quarantine", message, (next_command,)), level="remark")


def _check_hooks(project: Project) -> Iterator[DoctorCheck]:
    for name, executable in project.repository.commit_hooks():
        if not executable:
            message = f"{name} is not executable, so git skips it"
            next_command = shell_command("chmod", "+x", name)
            yield Diagnosis(Finding("hook", "hooks", message, (next_command,)), level="remark")
        elif is_own_hook(name):
            message = f"{name} is mlver's own: it judges what a commit would bring in"
            yield PassedCheck("hooks", message)
        else:
            message = f"{name} runs on mlver's commits; keep it from rewriting .mlver/"
            yield PassedCheck("hooks", message)


def _check_author(project: Project) -> DoctorCheck:
    try:
        return PassedCheck("author", project.repository.author())
    except MlverError as error:
        message = "git does not know who you are"
        return Diagnosis(Finding("author", "author", message, error.hints), level="wrong")
