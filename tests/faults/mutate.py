"""Change one place of a Python file, found by its structure in a function, not by its text.

A pattern is Python source: one statement or several in a row, an expression, or a keyword argument
(`also=made`). In it

* `_` stands for any expression or name, and `_1`, `_2` … as well: what they stand for is put where
  the replacement has them, and one that appears twice must stand for the same source twice;
* `...` at the end of arguments or items stands for the rest of them, and `f(...)` for any call of
  `f`;
* `...` as the last statement of a block stands for the rest of the block. The first `...` of the
  replacement gets what the first `...` of the pattern stands for, the second the second.

A function is named by `dotted.module:Qualified.function`, relative to the package; nothing follows
the colon where the pattern is outside of all functions. An empty replacement removes the statement,
or else the item of a tuple, a list, a condition or a call.
"""

from __future__ import annotations

import ast
import builtins
import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

_NUMBERED = re.compile(r"_\d+")
_REMOVABLE = ("elts", "args", "keywords", "ifs", "values")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change of the function `where`, a `dotted.module:Qualified.function`, and the campaign that
    turns red then.
    """

    where: str
    old: str
    new: str
    campaign: str
    subject: str

    def __str__(self) -> str:
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{self.where}: {old} -> {new or 'nothing'}: {self.campaign} {self.subject}"

    def find_file(self, package: Path) -> Path:
        path = package.joinpath(*self.where.partition(":")[0].split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def change_source(self, source: str) -> str:
        return change_source(source, self.where, self.old, self.new)


@dataclass(frozen=True, slots=True)
class CapturedNodes:
    """What the wildcards of a pattern stand for at the place that it matches."""

    names: dict[str, ast.AST] = field(default_factory=dict)
    blocks: tuple[list[ast.stmt], ...] = ()


@dataclass(frozen=True, slots=True)
class MatchedSpot:
    """A run of nodes in one field of a node; the field is no list where `stop` is None."""

    parent: ast.AST
    field: str
    start: int
    stop: int | None
    captures: CapturedNodes


def change_source(source: str, where: str, old: str, new: str) -> str:
    """The module's source with `new` in place of `old`, without comments.

    Raise LookupError unless `old` is in exactly one place of the function, and NameError where
    `new` reads a name that nothing there binds: such a change would fail wherever it runs, which
    shows nothing.
    """
    tree = ast.parse(source)
    scope = _find_scope(tree, where)
    replacement = ast.parse(new)
    unknown = _read_names(replacement) - _known_names(tree, scope)
    if unknown:
        raise NameError(f"{where} knows nothing of {', '.join(sorted(unknown))}")
    spots = _find_spots(scope, old, replacement)
    if len(spots) != 1:
        raise LookupError(f"{where} has {len(spots)} places like: {old}")
    _replace_spot(spots[0], replacement)
    return ast.unparse(tree)


def _find_scope(tree: ast.Module, where: str) -> ast.AST:
    """The definition with this name; the whole module where nothing follows the colon."""
    scope: ast.AST = tree
    for name in filter(None, where.partition(":")[2].split(".")):
        candidates = [inner for inner in _definitions(scope) if inner.name == name]
        if len(candidates) != 1:
            raise LookupError(f"{where}: {len(candidates)} definitions of {name}")
        scope = candidates[0]
    return scope


def _definitions(
    scope: ast.AST,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
        else:
            yield from _definitions(child)


# -- names


def _read_names(replacement: ast.Module) -> set[str]:
    names = [node for node in ast.walk(replacement) if isinstance(node, ast.Name)]
    read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    bound |= {node.arg for node in ast.walk(replacement) if isinstance(node, ast.arg)}
    return {name for name in read - bound if not _NUMBERED.fullmatch(name)}


def _known_names(tree: ast.Module, scope: ast.AST) -> set[str]:
    names = {*dir(builtins), *_bound_names(ast.walk(scope))}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            names.update(_bound_names(ast.walk(statement)))
    return names


def _bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


# -- places


def _find_spots(scope: ast.AST, old: str, replacement: ast.Module) -> list[MatchedSpot]:
    """The places that match by the first reading of `old` that matches any.

    It is read as statements first, and then as something inside a statement.
    """
    is_removal = not replacement.body
    for pattern in _readings(ast.parse(old), replacement):
        spots = [spot for parent in ast.walk(scope) for spot in _spots_in(parent, pattern)]
        if is_removal and not isinstance(pattern[0], ast.stmt):
            spots = [spot for spot in spots if _is_removable(spot)]
        if spots:
            return spots
    return []


def _readings(old: ast.Module, replacement: ast.Module) -> Iterator[Sequence[ast.AST]]:
    if not old.body:
        return
    expression = _only_expression(old)
    if expression is not None and _only_expression(replacement) is not None:
        yield [expression]
        return
    yield old.body
    if expression is not None and not replacement.body:
        yield [expression]
    keyword = _only_keyword(old)
    if keyword is not None and (not replacement.body or _only_keyword(replacement) is not None):
        yield [keyword]


def _only_expression(tree: ast.Module) -> ast.expr | None:
    match tree.body:
        case [ast.Expr(value=expression)]:
            return expression
    return None


def _only_keyword(tree: ast.Module) -> ast.keyword | None:
    match tree.body:
        case [ast.Assign(targets=[ast.Name(id=name)], value=value)]:
            return ast.keyword(arg=name, value=value)
    return None


def _spots_in(parent: ast.AST, pattern: Sequence[ast.AST]) -> Iterator[MatchedSpot]:
    for name, value in ast.iter_fields(parent):
        if isinstance(value, list):
            yield from _runs_in(parent, name, value, pattern)
        elif isinstance(value, ast.AST) and len(pattern) == 1:
            captures = _match_node(pattern[0], value, CapturedNodes())
            if captures is not None:
                yield MatchedSpot(parent, name, 0, None, captures)


def _runs_in(
    parent: ast.AST, name: str, nodes: list[ast.AST], pattern: Sequence[ast.AST]
) -> Iterator[MatchedSpot]:
    takes_rest = _is_rest(pattern[-1])
    for start in range(len(nodes)):
        stop = len(nodes) if takes_rest else start + len(pattern)
        captures = _match_list(pattern, nodes[start:stop], CapturedNodes())
        if captures is not None:
            yield MatchedSpot(parent, name, start, stop, captures)


def _is_removable(spot: MatchedSpot) -> bool:
    return (
        spot.stop is not None and spot.field in _REMOVABLE and not isinstance(spot.parent, ast.Dict)
    )


# -- matching


def _match_any(pattern: object, value: object, captures: CapturedNodes) -> CapturedNodes | None:
    if isinstance(pattern, list) and isinstance(value, list):
        return _match_list(pattern, value, captures)
    if isinstance(pattern, ast.AST) and isinstance(value, ast.AST):
        return _match_node(pattern, value, captures)
    is_equal = type(pattern) is type(value) and pattern == value
    return captures if is_equal else None


def _match_node(pattern: ast.AST, node: ast.AST, captures: CapturedNodes) -> CapturedNodes | None:
    """The captures and those that this adds; None where the two differ. Positions don't count."""
    if isinstance(pattern, ast.Name) and isinstance(node, ast.expr):
        if pattern.id == "_":
            return captures
        if _NUMBERED.fullmatch(pattern.id):
            return _capture_name(pattern.id, node, captures)
    if type(pattern) is not type(node):
        return None
    for name in _fields_to_match(pattern):
        more = _match_any(getattr(pattern, name, None), getattr(node, name, None), captures)
        if more is None:
            return None
        captures = more
    return captures


def _fields_to_match(pattern: ast.AST) -> Sequence[str]:
    match pattern:
        case ast.Call(args=[*_, last], keywords=[]) if _is_rest(last):
            return ("func", "args")
    return pattern._fields


def _match_list(
    pattern: Sequence[ast.AST], nodes: Sequence[ast.AST], captures: CapturedNodes
) -> CapturedNodes | None:
    rest = pattern[-1] if pattern and _is_rest(pattern[-1]) else None
    items = pattern if rest is None else pattern[:-1]
    if len(nodes) < len(items) or (rest is None and len(nodes) > len(items)):
        return None
    for item, node in zip(items, nodes, strict=False):
        more = _match_any(item, node, captures)
        if more is None:
            return None
        captures = more
    if isinstance(rest, ast.stmt):
        block = [node for node in nodes[len(items) :] if isinstance(node, ast.stmt)]
        captures = replace(captures, blocks=(*captures.blocks, block))
    return captures


def _is_rest(pattern: object) -> bool:
    match pattern:
        case ast.Constant(value=value) | ast.Expr(value=ast.Constant(value=value)):
            return value is ...
    return False


def _capture_name(name: str, node: ast.expr, captures: CapturedNodes) -> CapturedNodes | None:
    before = captures.names.get(name)
    if before is not None:
        return captures if ast.unparse(before) == ast.unparse(node) else None
    return replace(captures, names={**captures.names, name: node})


# -- replacing


class FilledReplacement(ast.NodeTransformer):
    """A replacement with the captures in place of its wildcards."""

    def __init__(self, captures: CapturedNodes) -> None:
        self._names = captures.names
        self._blocks = iter(captures.blocks)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return copy.deepcopy(self._names.get(node.id, node))

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if _is_rest(node):
            return next(self._blocks)
        return self.generic_visit(node)


def _replace_spot(spot: MatchedSpot, replacement: ast.Module) -> None:
    filled = FilledReplacement(spot.captures).visit(replacement)
    value = getattr(spot.parent, spot.field)
    if spot.stop is None:
        setattr(spot.parent, spot.field, _only_expression(filled))
        return
    nodes: list[ast.AST] = list(filled.body)
    if isinstance(value[spot.start], ast.expr):
        nodes = [expression for expression in [_only_expression(filled)] if expression is not None]
    elif isinstance(value[spot.start], ast.keyword):
        nodes = [keyword for keyword in [_only_keyword(filled)] if keyword is not None]
    value[spot.start : spot.stop] = nodes
    if spot.field == "body" and not value:
        value.append(ast.Pass())
