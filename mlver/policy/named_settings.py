"""What a rule names that other sections of the settings define: groups, and data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlver.records.values import Value


def find_named(setting: Value, key: str) -> set[str]:
    """Find every name that stands at `key`, alone or in a list, however deep in a setting."""
    names: set[str] = set()
    if isinstance(setting, Mapping):
        for inner_key, inner in setting.items():
            listed = [inner] if isinstance(inner, str) else inner
            if inner_key == key and isinstance(listed, Sequence):
                names.update(name for name in listed if isinstance(name, str))
            names |= find_named(inner, key)
    elif isinstance(setting, Sequence) and not isinstance(setting, str):
        for entry in setting:
            names |= find_named(entry, key)
    return names
