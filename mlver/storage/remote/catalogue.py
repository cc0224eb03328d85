"""Under which keys a remote keeps contents.

objects/<2>/<64>   whole contents of 1 to 16 MiB, one a blob
packs/<64>.pack    contents below 1 MiB, many together (see `storage/packs.py`)
packs/<64>.idx     the index of a pack, by whose SHA-256 both are named
recipes/<2>/<64>   which parts a larger content has (see `storage/recipes.py`)
parts/<2>/<64>     those parts
"""

from __future__ import annotations

from mlver.storage import packs

OBJECTS, PACKS = "objects/", "packs/"
RECIPES, PARTS = "recipes/", "parts/"
# So much is asked for by one call: little enough for memory, and for a Ctrl-C not to wait long.
PIECE_BYTES = 8 << 20


def object_key(hexadecimal: str) -> str:
    """The key of an object that is a blob of its own."""
    return f"{OBJECTS}{hexadecimal[:2]}/{hexadecimal}"


def recipe_key(hexadecimal: str) -> str:
    """The key of the recipe of a content."""
    return f"{RECIPES}{hexadecimal[:2]}/{hexadecimal}"


def part_key(hexadecimal: str) -> str:
    """The key of a part."""
    return f"{PARTS}{hexadecimal[:2]}/{hexadecimal}"


def pack_key(name: str) -> str:
    """The key of a pack."""
    return f"{PACKS}{name}{packs.PACK}"


def index_key(name: str) -> str:
    """The key of the index of a pack."""
    return f"{PACKS}{name}{packs.INDEX}"
