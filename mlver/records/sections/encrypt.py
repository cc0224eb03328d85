"""The section `encrypt`: which parameters a record holds encrypted, and who can read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from mlver.records.values import Document, drop_empty_values, quote_name

# What stands in place of a secret value wherever parameters are compared or shown.
SECRET = "(secret)"


class SplitParams(NamedTuple):
    """Parameters that anybody may read, and secret ones by dotted name."""

    public: dict[str, Any]
    secret: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptSettings:
    """`params` are dotted names, as globs: `*` stands for any characters, dots among them.

    The name of a group stands for all that is in it. `artifacts` are `weights` and names of data
    sets, of all models, or with a model's name before a slash, as globs. `recipients` are public
    keys, of age or of SSH.
    """

    params: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EncryptSettings:
        return cls(
            params=tuple(document.get("params", ())),
            artifacts=tuple(document.get("artifacts", ())),
            recipients=tuple(document.get("recipients", ())),
        )

    def to_document(self) -> Document:
        return drop_empty_values(
            params=list(self.params),
            artifacts=list(self.artifacts),
            recipients=list(self.recipients),
        )

    def covers_artifact(self, model: str, name: str) -> bool:
        """Whether this artifact of this model is stored encrypted."""
        names = (name, f"{model}/{name}")
        return any(fnmatchcase(text, pattern) for pattern in self.artifacts for text in names)

    def split_params(self, params: Mapping[str, Any]) -> SplitParams:
        """Take the secret parameters out of nested ones; a group that they leave empty goes too."""
        secret: dict[str, Any] = {}
        return SplitParams(self._split_group(params, "", secret), secret)

    def _split_group(
        self, params: Mapping[str, Any], prefix: str, secret: dict[str, Any]
    ) -> dict[str, Any]:
        public: dict[str, Any] = {}
        for key, value in params.items():
            name = prefix + quote_name(key)
            if self.covers_param(name):
                secret[name] = value
            elif isinstance(value, Mapping) and value:
                inner = self._split_group(value, f"{name}.", secret)
                if inner:
                    public[key] = inner
            else:
                public[key] = value
        return public

    def covers_param(self, name: str) -> bool:
        """Whether this parameter, or the group of this name, is secret."""
        return any(fnmatchcase(name, pattern) for pattern in self.params)

    def drop_secret(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the secret ones of values by dotted name."""
        return {name: value for name, value in values.items() if not self.is_inside(name)}

    def is_inside(self, name: str) -> bool:
        """Whether a parameter of this name is secret, by itself or with a group that it is in."""
        parts = name.split(".")
        groups = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
        return any(self.covers_param(group) for group in groups)

    def mask_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Put a mask in place of each secret value of nested parameters."""
        public, secret = self.split_params(params)
        return mask_secrets(public, secret)


def mask_secrets(params: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Add a mask to nested parameters for each secret one, by dotted name."""
    masked = dict(params)
    for name in names:
        group = masked
        *outer, last = name.split(".")
        for part in outer:
            inner = group.get(part)
            group[part] = dict(inner) if isinstance(inner, Mapping) else {}
            group = group[part]
        group[last] = SECRET
    return masked
