"""Every hint in the source is a command that can be typed; what to do by hand is in the message."""

from __future__ import annotations

import ast
import errno
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import mlver
from mlver.errors import refusal_error
from mlver.git import repository
from tests.hints import judge_command

_SOURCE = Path(mlver.__file__).parent
# Methods that give hints, and where each is written.
_METHODS = {"suggest_recovery": "mlver.project.artifacts.remedies"}
# Where a class takes a hint without naming it.
_POSITIONS = {"Finding": 3, "InstalledHook": 2, "PipelineSilence": 1, "_SealedThing": 1}
# Attributes that hold hints, which are judged where the object is made.
_ATTRIBUTES = frozenset({"hint", "hints", "alternative"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parse_module(name: str) -> ast.Module:
    path = _SOURCE.parent / Path(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def list_modules() -> list[str]:
    names: list[str] = []
    for path in sorted(_SOURCE.rglob("*.py")):
        words = path.relative_to(_SOURCE.parent).with_suffix("").parts
        names.append(".".join(word for word in words if word != "__init__"))
    return names


class HintJudge:
    """Judges what the hints of one module can be, as far as they stand in the source."""

    def __init__(self, name: str, tree: ast.Module | None = None) -> None:
        self.name = name
        self.tree = parse_module(name) if tree is None else tree
        self.judged: set[ast.expr] = set()

    def list_faults(self) -> list[str]:
        faults: list[str] = []
        for hint, functions in self._find_hints():
            for fault in self._judge(hint, functions):
                faults.append(f"{self.name}, line {hint.lineno}: {fault}")
        return faults

    def _find_hints(self) -> Iterator[tuple[ast.expr, tuple[_Function, ...]]]:
        """Each hint, with the functions around it."""
        waiting: list[tuple[ast.AST, tuple[_Function, ...]]] = [(self.tree, ())]
        while waiting:
            node, functions = waiting.pop()
            if isinstance(node, _Function):
                functions = (*functions, node)
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg in ("hint", "hints"):
                        yield keyword.value, functions
                position = _POSITIONS.get(ast.unparse(node.func))
                if position is not None and len(node.args) > position:
                    yield node.args[position], functions
            for child in ast.iter_child_nodes(node):
                waiting.append((child, functions))

    def _judge(self, hint: ast.expr, functions: tuple[_Function, ...]) -> Iterator[str]:
        if hint in self.judged:
            return
        self.judged.add(hint)
        match hint:
            case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
                for part in parts:
                    yield from self._judge(part, functions)
            case ast.IfExp(body=first, orelse=second):
                yield from self._judge(first, functions)
                yield from self._judge(second, functions)
            case ast.JoinedStr(values=parts):
                yield from self._judge_parts(parts, functions)
            case ast.Name(id=name):
                yield from self._judge_name(name, functions)
            case ast.Call(func=ast.Name(id="shell_command"), args=[first, *_]):
                yield from self._judge_first(first, functions)
            case ast.Call(func=ast.Name(id=called)):
                yield from self._judge_returned(called)
            case ast.Call(func=ast.Attribute(attr=method)) if method in _METHODS:
                yield from HintJudge(_METHODS[method])._judge_returned(method)
            case _:
                yield from self._judge_value(hint)

    def _judge_value(self, hint: ast.expr) -> Iterator[str]:
        match hint:
            case ast.Constant(value=None):
                return
            case ast.Constant(value=str(text)):
                yield from filter(None, [judge_command(text)])
            case ast.Attribute(attr=attribute) if attribute in _ATTRIBUTES:
                return
            # The first example of a command, which its help shows and tests type.
            case ast.Subscript(value=ast.Attribute(attr="examples")):
                return
            case _:
                yield f"this test cannot tell what it is: {ast.unparse(hint)}"

    def _judge_first(self, word: ast.expr, functions: tuple[_Function, ...]) -> Iterator[str]:
        """Judge the first of the words that `shell_command` quotes: the program."""
        match word:
            case ast.Starred(value=ast.Name(id=name)):
                for words in _list_values(functions[-1], name):
                    if isinstance(words, ast.List):
                        yield from self._judge_first(words.elts[0], functions)
            case ast.Starred(value=ast.Attribute(attr="look")):
                return
            case _:
                yield from self._judge(word, functions)

    def _judge_parts(
        self, parts: Sequence[ast.expr], functions: tuple[_Function, ...]
    ) -> Iterator[str]:
        """A text with parts filled in, each of which has to be quoted for a shell."""
        text = ""
        for part in parts:
            match part:
                case ast.Constant(value=str(literal)):
                    text += literal
                case ast.FormattedValue(value=ast.Call(func=ast.Name(id="shell_command"))):
                    text += "mlver"
                case ast.FormattedValue(value=ast.Name(id=name)) if name.isupper() or not text:
                    yield from self._judge_name(name, functions)
                    text += "mlver"
                case _:
                    yield f"shell_command has to quote it: {ast.unparse(part)}"
        yield from filter(None, [judge_command(text)])

    def _judge_name(self, name: str, functions: tuple[_Function, ...]) -> Iterator[str]:
        for function in reversed(functions):
            values = _list_values(function, name)
            for value in values:
                yield from self._judge(value, functions)
            # What comes out of a pair is judged below, and a parameter where it is given.
            if values or _is_unpacked(function, name) or _takes_hint(function, name):
                return
        values = _list_values(self.tree, name)
        for value in values:
            yield from self._judge(value, ())
        if values:
            return
        source = self._find_import(name)
        if source is None:
            yield f"this test cannot tell what it is: {name}"
        else:
            yield from HintJudge(source)._judge_name(name, ())

    def _judge_returned(self, called: str) -> Iterator[str]:
        for function in ast.walk(self.tree):
            if isinstance(function, _Function) and function.name == called:
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        yield from self._judge(node.value, (function,))
                return
        source = self._find_import(called)
        if source is None:
            yield f"this test cannot tell what it is: {called}()"
        else:
            yield from HintJudge(source)._judge_returned(called)

    def _find_import(self, name: str) -> str | None:
        """The module that a name is imported from."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and any(name == alias.name for alias in node.names):
                return node.module
        return None


def _list_values(scope: ast.AST, name: str) -> list[ast.expr]:
    """What is assigned to a name, alone or in a pair."""
    values: list[ast.expr] = []
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                values.append(value)
            # more hints; a list grows by the words of one command
            case ast.AugAssign(target=ast.Name(id=target), value=ast.Tuple() | ast.Call() as value):
                if target == name:
                    values.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                if target == name:
                    values.append(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=parts)):
                for assigned, part in zip(names, parts, strict=True):
                    if ast.unparse(assigned) == name:
                        values.append(part)
    return values


def _is_unpacked(function: _Function, name: str) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)]):
                if name in map(ast.unparse, names):
                    return True
    return False


def _takes_hint(function: _Function, name: str) -> bool:
    if name not in ("hint", "hints"):
        return False
    arguments = function.args
    return any(argument.arg == name for argument in arguments.args + arguments.kwonlyargs)


def test_a_hint_is_a_command() -> None:
    faults: list[str] = []
    for name in list_modules():
        faults += HintJudge(name).list_faults()
    assert faults == []


@pytest.mark.parametrize(
    ("hint", "why"),
    [
        ("'fix the file, then run it again'", "begins with no known program"),
        ("'git commit, then run it again'", "holds prose"),
        ("'git commit (or add --force)'", "holds prose"),
        ("'mlver list or mlver log'", "holds prose"),
        ("'mlver register MODEL …'", "holds prose"),
        ("f'mlver list {model}'", "shell_command has to quote it"),
        ("advise(model)", "holds prose"),
        ("ADVICE", "begins with no known program"),
        ("shell_command('name', path)", "begins with no known program"),
        ("shell_command('git', 'log') if path else 'such as m'", "begins with no known program"),
        ("str(path)", "this test cannot tell what it is"),
    ],
)
def test_a_hint_of_prose_is_seen(hint: str, why: str) -> None:
    source = f"""
ADVICE = "name a file"
def advise(model):
    return "mlver list, then git push"
def refuse(model, path):
    raise MlverError("no", hint={hint})
"""
    (fault,) = HintJudge("mlver.example", ast.parse(source)).list_faults()
    assert why in fault


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "EACCES", "EPERM"])
def test_the_hint_of_an_error_of_the_system_is_a_command(name: str) -> None:
    error = OSError(getattr(errno, name), "no", "a; b")
    hint = refusal_error("writing", error).hint
    assert hint is not None
    assert judge_command(hint) is None
    assert "; b" not in hint or "'a; b'" in hint


def test_what_finishes_a_half_done_operation_is_a_command() -> None:
    for _, command in repository._UNFINISHED.values():
        assert judge_command(command) is None
