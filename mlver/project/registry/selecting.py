"""What a REF means: which version of which model.

A refusal names what is there instead, and the words that were probably meant, if they mean
something here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.names import LATEST, check_stage
from mlver.policy.staging import list_standing_holders
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.selectors import (
    ModelRef,
    VersionSelector,
    is_bare_selector,
    parse_ref,
    parse_selector,
)
from mlver.version import Version, highest_release, parse_version

# So many versions, models or digests are named in a message.
_MOST_NAMED = 8


def resolve_reference(
    registry: RecordRegistry, text: str | None, model: str | None = None
) -> tuple[str, Version]:
    """The model and the version that a REF means; `model` is meant where it names none.

    Raise MlverError, or UsageError for a REF that can mean nothing anywhere.
    """
    if text is None:
        chosen_model = model or find_model(registry, None)
        return chosen_model, _find_latest(registry, chosen_model)
    ref = _read_reference(registry, text)
    if ref.model is None and model is None and ref.selector is not None:
        selector = parse_selector(ref.selector)
        if selector.kind == "digest":
            models = registry.list_models() or [find_model(registry, None)]
            return _find_by_digest(registry, models, selector)
    chosen_model = find_model(registry, ref.model or model)
    return chosen_model, choose_version(registry, chosen_model, ref.selector)


def _read_reference(registry: RecordRegistry, text: str) -> ModelRef:
    """A bare version (`1.2.0`) is a selector, unless a model is called that."""
    if is_bare_selector(text) and text not in registry.list_models():
        return ModelRef(None, text)
    return parse_ref(text)


def find_model(registry: RecordRegistry, name: str | None) -> str:
    """The model called `name`, or the only one there is.

    Raise MlverError with what there is instead.
    """
    known = registry.list_models()
    if name in known:
        return name
    if name is None and len(known) == 1:
        return known[0]
    if not known:
        raise MlverError(
            "no model is registered here", hint="mlver register MODEL --weights PATH -m WHY"
        )
    model_names = _list_some(known)
    if name is None:
        raise UsageError(
            f"there are {len(known)} models here; say which: {model_names}", hint="mlver list"
        )
    raise MlverError(f"there is no model `{name}` here, but {model_names}", hint="mlver list")


def choose_version(registry: RecordRegistry, model: str, text: str | None) -> Version:
    """The version of a model that a selector means; None means `latest`."""
    if text is None:
        return _find_latest(registry, model)
    selector = parse_selector(text)
    match selector.kind:
        case "latest":
            return _find_latest(registry, model, selector.steps)
        case "version":
            return _find_version(registry, model, selector.text)
        case "line":
            return _find_in_line(registry, model, selector.text)
        case "digest":
            return _find_by_digest(registry, [model], selector)[1]
        case "stage":
            return _find_holder(registry, model, selector.text, selector.steps)


def _find_version(registry: RecordRegistry, model: str, text: str) -> Version:
    wanted = parse_version(text)
    if not registry.has_version(model, wanted):
        raise MlverError(
            f"{model} has no version {wanted}", hint=shell_command("mlver", "list", model)
        )
    return wanted


def _find_latest(registry: RecordRegistry, model: str, steps: int = 0) -> Version:
    """The highest release, or the one so many releases before it."""
    newest, _ = registry.list_newest(model, 1)
    if not steps and newest and newest[0].prerelease is None:
        return newest[0]
    versions = registry.list_versions(model)
    releases = [version for version in versions if version.prerelease is None]
    if len(releases) > steps:
        return releases[-1 - steps]
    show_list = shell_command("mlver", "list", model)
    if releases:
        count = f"{len(releases)} releases" if len(releases) > 1 else "only one release"
        raise MlverError(
            f"{model} has {count}, {_list_some(list(map(str, releases[::-1])))},"
            f" and none that is {steps} before the highest",
            hint=show_list,
        )
    if versions:
        raise MlverError(
            f"{model} has no release yet, only pre-releases up to {versions[-1]};"
            f" name one of them, such as {model}@{versions[-1]}",
            hint=show_list,
        )
    raise MlverError(
        f"{model} has no versions",
        hint=shell_command("mlver", "register", model, "--weights", "PATH", "-m", "WHY"),
    )


def _find_in_line(registry: RecordRegistry, model: str, line: str) -> Version:
    """The highest release of a line (`1.2`)."""
    versions: list[Version] = []
    for version in registry.list_versions(model):
        if f"{version.major}.{version.minor}" == line:
            versions.append(version)
    newest = highest_release(versions)
    if newest is not None:
        return newest
    show_list = shell_command("mlver", "list", model)
    if versions:
        raise MlverError(
            f"{model} has no release {line} yet, only pre-releases up to {versions[-1]};"
            f" name one of them, such as {model}@{versions[-1]}",
            hint=show_list,
        )
    raise MlverError(f"{model} has no version {line}.x", hint=show_list)


def _find_holder(registry: RecordRegistry, model: str, stage: str, steps: int) -> Version:
    """The version that holds a stage, or the one to which so many rollbacks would go."""
    if not steps:
        record = registry.find_holder(model, stage)
        if record is None:
            raise _build_holder_error(registry, model, stage)
        return parse_version(record.version)
    history = _read_promotions(registry, model, stage)
    if not history:
        raise _build_holder_error(registry, model, stage)
    holders = list_standing_holders(history)
    if len(holders) > steps:
        return parse_version(holders[-1 - steps])
    standing = " → ".join(holders) if holders else "nothing"
    raise MlverError(
        f"{stage} of {model} has no holder {steps} back: without what was rolled back or retired,"
        f" it held {standing}",
        hint=shell_command("mlver", "log", model, "--stage", stage),
    )


def _read_promotions(registry: RecordRegistry, model: str, stage: str) -> list[PromotionRecord]:
    return [record for record, _ in registry.read_history(model, stage)]


def find_serving(registry: RecordRegistry, model: str, numbers: Sequence[Version]) -> set[str]:
    """The highest release of a model, a pre-release above it, and those that hold a stage."""
    serving = {str(number) for number in numbers[-1:]}
    latest = highest_release(numbers)
    if latest is not None:
        serving.add(str(latest))
    with suppress(MlverError):  # the chain's own check names it
        for stage in registry.list_stages(model):
            with suppress(MlverError):
                holder = registry.find_holder(model, stage)
                if holder is not None:
                    serving.add(holder.version)
    return serving


def _build_holder_error(registry: RecordRegistry, model: str, stage: str) -> MlverError:
    known = registry.read_shown_config().stages
    if stage in known:
        latest = highest_release(registry.list_versions(model)) or "VERSION"
        return MlverError(
            f"no version of {model} holds {stage}",
            hint=shell_command("mlver", "promote", f"{model}@{latest}", "--to", stage, "-m", "WHY"),
        )
    return MlverError(
        f"`{stage}` is neither a version nor a stage here; the stages in {layout.CONFIG} are "
        f"{', '.join(known) or '(none)'}",
        hint=shell_command("mlver", "list", model),
    )


def _find_by_digest(
    registry: RecordRegistry, models: Sequence[str], selector: VersionSelector
) -> tuple[str, Version]:
    """The version whose record, weights or data set has a digest that begins so."""
    found: dict[tuple[str, Version], str] = {}
    for model in models:
        for number in registry.list_versions(model):
            owner = _find_owner(registry, model, number, selector.text)
            if owner is not None:
                found[model, number] = f"{model}@{number} ({owner})"
    if len(found) == 1:
        return next(iter(found))
    show_list = shell_command("mlver", "list", *models[:1] if len(models) == 1 else ())
    if not found:
        raise MlverError(
            f"no record, weights or data set of {_list_some(models)} has a digest that begins with"
            f" {selector.text}",
            hint=show_list,
        )
    raise MlverError(
        f"sha256:{selector.text} is of {len(found)} versions:"
        f" {_list_some(list(found.values())[::-1])}; name one of them",
        hint=show_list,
    )


def _find_owner(registry: RecordRegistry, model: str, number: Version, digits: str) -> str | None:
    """What of a version has a digest that begins so: its record, its weights or a data set."""
    data = registry.read_file(layout.version_path(model, number))
    if data is None:
        return None
    if Digest.of_bytes(data).hex.startswith(digits):
        return "record"
    # Only a record that holds the digits at all is worth parsing.
    if f"sha256:{digits}".encode() not in data:
        return None
    record, _ = registry.read_version(model, number)
    for name, artifact in record.named_artifacts().items():
        if artifact.digest.hex.startswith(digits):
            return name
    return None


def list_selectors(registry: RecordRegistry, model: str, typed: str) -> Iterator[str]:
    """The selectors that may be meant by the beginning of one, newest first.

    Steps back are among them only where a `~` is typed.
    """
    word, tilde, _ = typed.partition("~")
    versions = registry.list_versions(model)
    releases = [version for version in versions if version.prerelease is None]
    if tilde:
        standing: Sequence[object] = releases
        if word not in ("", LATEST):
            check_stage(word)
            standing = list_standing_holders(_read_promotions(registry, model, word))
        for steps in range(1, len(standing)):
            yield f"{word}~{steps}"
        return
    yield from registry.find_holders(model)
    if releases:
        yield LATEST
    yield from map(str, reversed(versions))


def _list_some(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
