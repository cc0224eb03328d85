"""Patterns matched in linear time, whoever wrote them.

Python's `re` backtracks: `^(a+)+$` takes it exponential time, and nothing can stop it midway. So the patterns of a
project's own schema run on a Thompson automaton (R. Cox, "Regular Expression Matching Can Be Simple And Fast", 2007):
every place in the pattern is followed at once, so a text of n characters costs at most n × states, and a budget
bounds the sum over all texts of a document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlver.document.pattern import (
    Edge,
    Either,
    Every,
    Node,
    One,
    PatternRefused,
    Ranges,
    Repeat,
    parse,
)

MAX_STATES = 2000
MAX_PARTS = (
    5 * MAX_STATES
)  # empty groups add no state, but unrolling `((){999}){999}` still takes time


class TooCostly(Exception):
    """The budget is used up."""


@dataclass(slots=True)
class Budget:
    """What one judgement may take: `steps` bounds its time, `room` what the automata may remember, in set elements."""

    steps: int
    room: int = 500_000

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise TooCostly


@dataclass(slots=True)
class Automaton:
    """A pattern, ready to search. State i moves over `ranges[i]` to state i + 1, or without a character to `jumps[i]`;
    the last state accepts."""

    budget: Budget
    parts: int = 0
    ranges: list[Ranges | None] = field(default_factory=list)
    jumps: list[tuple[int, ...]] = field(default_factory=list)
    edges: dict[int, bool] = field(default_factory=dict)
    moves: dict[tuple[frozenset[int], str], frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, pattern: str, budget: Budget) -> Automaton:
        """Raise PatternRefused for a pattern that is wrong, too large, or needs backtracking."""
        built = cls(budget)
        built.add(parse(pattern))
        built.state()
        return built

    def search(self, text: str) -> bool:
        """Whether the pattern occurs anywhere in the text; raise TooCostly when the budget is used up."""
        last = len(self.jumps) - 1
        self.budget.spend(1 + len(text))
        now = self.reach((0,), start=True)
        for character in text:
            if last in now:
                return True
            now = self.move(now, character)
        return last in self.reach(now, start=not text, end=True)

    def move(self, states: frozenset[int], character: str) -> frozenset[int]:
        """The states after one more character; the search begins anew there as well."""
        found = self.moves.get((states, character))
        if found is None:
            self.budget.spend(len(states))
            code = ord(character)
            hit = (
                state
                for state in states
                if any(low <= code <= high for low, high in self.ranges[state] or ())
            )
            found = self.reach((0, *(state + 1 for state in hit)))
            if self.budget.room > 0:
                self.budget.room -= len(found) + 1
                self.moves[states, character] = found
        return found

    def reach(
        self, states: Iterable[int], *, start: bool = False, end: bool = False
    ) -> frozenset[int]:
        """The states, and those reached from them without a character: `start`, `end` tell where in the text."""
        reached: set[int] = set()
        ahead = list(states)
        while ahead:
            state = ahead.pop()
            if state in reached:
                continue
            reached.add(state)
            edge = self.edges.get(state)
            if edge is None or (end if edge else start):
                ahead += self.jumps[state]
        self.budget.spend(len(reached))
        return frozenset(reached)

    def state(self, ranges: Ranges | None = None, *jumps: int) -> int:
        if len(self.jumps) >= MAX_STATES:
            raise PatternRefused(f"it is too large: more than {MAX_STATES} states")
        self.ranges.append(ranges)
        self.jumps.append(jumps)
        return len(self.jumps) - 1

    def add(self, node: Node) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise PatternRefused(f"it is too large: more than {MAX_PARTS} parts")
        match node:
            case One(ranges):
                self.state(ranges)
            case Edge(end):
                self.edges[len(self.jumps)] = end
                self.state(None, len(self.jumps) + 1)
            case Every(parts):
                for part in parts:
                    self.add(part)
            case Either(parts):
                self.add_choice(parts)
            case Repeat(part, low, high):
                self.add_repeat(part, low, high)

    def add_choice(self, parts: tuple[Node, ...]) -> None:
        fork, starts, ends = self.state(), [], []
        for part in parts:
            starts.append(len(self.jumps))
            self.add(part)
            ends.append(self.state())
        self.jumps[fork] = tuple(starts)
        for end in ends:
            self.jumps[end] = (len(self.jumps),)

    def add_repeat(self, part: Node, low: int, high: int | None) -> None:
        for _ in range(low):
            self.add(part)
        if high is None:
            fork = self.state()
            self.add(part)
            back = self.state(None, fork)
            self.jumps[fork] = (fork + 1, back + 1)
            return
        forks = []
        for _ in range(high - low):
            forks.append(self.state())
            self.add(part)
        for fork in forks:
            self.jumps[fork] = (fork + 1, len(self.jumps))
