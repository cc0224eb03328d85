"""The layout `triton`: `models/NAME/NUMBER/`, and which numbers are loaded in `config.pbtxt`.

The folder `models` is the model repository, and nothing is prepared in it.

A request that names no version is answered by the highest number that is loaded. A candidate is
therefore loaded only while it has a share, or sees the traffic as a shadow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.serving.layout_options import WORD, LayoutOption, read_options
from mlver.policy.serving.rendering import RenderedFiles, ServingLayout, ServingOptions
from mlver.policy.serving.roles import list_versions
from mlver.policy.serving.served import ServedTarget, ServedVersion
from mlver.policy.serving.text_proto import quote_proto_text, set_proto_fields
from mlver.policy.serving.version_numbers import number_version

CONFIG = "config.pbtxt"
_MODELS = "models"
OPTIONS: Mapping[str, LayoutOption] = {"backend": WORD, "platform": WORD}
_HEAD = "# mlver wrote this for the target {target}, and will write it again.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonOptions:
    """`backend` or `platform` is what runs the model; Triton knows it of most files by itself.

    `config` is the text of a config.pbtxt of the user's own.
    """

    backend: str | None = None
    platform: str | None = None
    config: str | None = None

    @classmethod
    def from_options(cls, options: ServingOptions) -> TritonOptions:
        given = dict(options)
        config = given.pop("config", None)
        chosen = cls(**read_options("triton", given, OPTIONS))
        return chosen if config is None else replace(chosen, config=str(config))


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"{_MODELS}/{version.model}/{number_version(version.version)}"


def _render_steps(
    _former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    chosen = TritonOptions.from_options(options)
    loaded = list_versions(target if _has_traffic(target) else replace(target, canary=None))
    if not loaded:
        return ({},)
    model = loaded[0].model
    return ({f"{_MODELS}/{model}/{CONFIG}": _write_config(target.name, model, loaded, chosen)},)


def _has_traffic(target: ServedTarget) -> bool:
    share = target.share
    return share is None or share.percent > 0 or share.strategy == "shadow"


def _write_config(
    target: str, model: str, versions: list[ServedVersion], options: TritonOptions
) -> str:
    numbers = ", ".join(str(number_version(version.version)) for version in versions)
    values = {
        "name": f"name: {quote_proto_text(model)}",
        "version_policy": f"version_policy {{ specific {{ versions: [ {numbers} ] }} }}",
    }
    if options.config is not None:
        _check_one_config(versions, options.config)
        return set_proto_fields(options.config, values, f"the {CONFIG} of {model}")
    text = _HEAD.format(target=target) + f"{values['name']}\n"
    if options.backend is not None:
        text += f"backend: {quote_proto_text(options.backend)}\n"
    if options.platform is not None:
        text += f"platform: {quote_proto_text(options.platform)}\n"
    filename = _find_model_file(versions)
    if filename is not None:
        text += f"default_model_filename: {quote_proto_text(filename)}\n"
    return f"{text}{values['version_policy']}\n"


def _find_model_file(versions: list[ServedVersion]) -> str | None:
    """The file that is all of the weights of each version; None where that is not one and the same.

    Without its name, Triton looks for a name that depends on the backend, such as model.onnx.
    """
    names = {name for version in versions for name in version.files}
    if len(names) != 1 or any("/" in name for name in names):
        return None
    return names.pop()


def _check_one_config(versions: list[ServedVersion], config: str) -> None:
    """Triton has one config.pbtxt for all versions of a model, so theirs may not differ.

    One that the settings name, and none of the versions has, is as good.
    """
    brought = {each.files[CONFIG]: each.version for each in versions if CONFIG in each.files}
    if len(brought) > 1 and Digest.of_bytes(config.encode()) in brought:
        first, second = sorted(brought.values())[:2]
        raise MlverError(
            f"{first} and {second} bring a {CONFIG} each, and Triton has one for both; name one in"
            f" the settings, such as `options: {{config: triton/{CONFIG}}}`",
            hint="mlver config list",
        )


LAYOUT = ServingLayout(render_steps=_render_steps, place_version=_place_version, config_name=CONFIG)
