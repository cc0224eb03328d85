"""What people see of each command, at every width and on every kind of terminal.

`recorded/` has one file a command. A screen that is the same as the one before it is not repeated.
`python -m tests.screens` records all of them again.
"""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlver.cli.main import main
from mlver.terminal.screen import measure_width
from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import CHECKOUT, Repository

RECORDED = CHECKOUT / "tests/screens/recorded"

COMMANDS = {
    "list": ("list",),
    "list-columns": ("list", "digits", "--columns", "version,accuracy,params.lr,message"),
    "stages": ("stages", "--all"),
    "compare": ("compare", "digits@1.0.0", "@1.1.0", "@1.2.0"),
    "log": ("log", "digits"),
    "show": ("show", "digits@1.0.0"),
    "status": ("status", "digits"),
    "diff": ("diff", "digits@1.0.0", "@1.1.0"),
    "plot": ("plot", "digits", "--metric", "accuracy", "--metric", "eval.loss"),
    "verify": ("verify", "--all"),
    "error-version": ("show", "digits@9.9.9"),
    "error-filter": ("list", "--where", "accuracy >= and stage = production"),
    "error-metric": ("plot", "digits", "--metric", "acuracy"),
    "error-retired": ("promote", "digits@1.0.0", "--to", "staging", "-m", "Again"),
    "error-option": ("list", "--colums", "version"),
}

# Of each version: number, accuracy, loss and message.
RUNS = (
    ("1.0.0", "0.91", "0.412", "First run on synthetic pages"),
    ("1.1.0", "0.934", "0.355", "Wider layer, and a tokenizer that keeps numbers whole"),
    ("1.2.0-rc.1", "0.936", None, "Candidate"),
    ("1.2.0", "0.942", "0.31", "Trained on the whole of the third quarter"),
    ("1.10.0", "0.939", "0.3", "Distilled"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of terminal; `codes`: what it is told of colours is recorded as well."""

    width: int
    environment: dict[str, str]
    codes: bool = False


_XTERM = {"TERM": "xterm-256color"}
WAYS = {
    "60 columns": Way(60, _XTERM),
    "80 columns": Way(80, _XTERM),
    "120 columns": Way(120, _XTERM),
    "200 columns": Way(200, _XTERM),
    "TERM=dumb": Way(80, {"TERM": "dumb"}),
    "LC_ALL=C": Way(80, {**_XTERM, "LC_ALL": "C"}),
    "colours": Way(80, _XTERM, codes=True),
}
_CODE = re.compile(r"\x1b\[([0-9;]*)m")
_NAMES = {"0": "/", "1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}
_NAMES |= {"1;36": "bold cyan"}
# Ids and digests, and what depends on the Python that runs.
_IDS = re.compile(r"\b[0-9a-f]{10,64}\b")
_VARYING = (
    (re.compile(r"\d\.\d+\.\d+ on \S+, \d+ packages"), "3.11.1 on linux-x86_64, 40 packages"),
    (re.compile(r"\d+ more fields"), "12 more fields"),
)


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two models; of one, versions were promoted, rolled back, noted on and retired."""
    made = Repository(tmp_path_factory.mktemp("screens") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("train.py", "")
    made.write(".gitignore", "/model/\n")
    made.commit("First")
    assert_works(made, "init")
    for place, (number, accuracy, loss, message) in enumerate(RUNS):
        made.write("model/weights.bin", f"weights of {number}\n" * 40)
        made.write("model/config.json", f'{{"layers": {place + 2}}}\n')
        words = ["--metric", f"accuracy={accuracy}", "--metric", f"throughput={1200 - 7 * place}"]
        words += [] if loss is None else ["--metric", f"eval.loss={loss}"]
        words += ["--param", f"lr=0.00{place + 1}", "--label", "team=vision", "-m", message]
        assert_works(made, "register", "digits", "--version", number, "--weights", "model", *words)
    words = ["--weights", "train.py", "--metric", "bleu=31.4", "-m", "Baseline"]
    assert_works(made, "register", "kr2en", "--allow-dirty", *words)
    for number, stage in (
        ("1.0.0", "staging"),
        ("1.0.0", "production"),
        ("1.1.0", "staging"),
        ("1.1.0", "production"),
        ("1.2.0", "staging"),
    ):
        assert_works(made, "promote", f"digits@{number}", "--to", stage, "-m", f"Try {number}")
    words = ["--model", "digits", "directions.accuracy", "higher"]
    assert_works(made, "config", "set", *words)
    made.commit("Say which way is better")
    assert_works(made, "note", "digits@1.0.0", "-m", "Confuses 4 and 9 on photographs")
    words = ["--in-favour-of", "1.1.0", "-m", "Trained on leaked test data"]
    assert_works(made, "retire", "digits@1.0.0", *words)
    made.write("model/config.json", '{"layers": 9}\n')
    made.write("model/extra.json", "{}\n")
    return made


def play_screen(command: tuple[str, ...], way: Way, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal shows of a command, both streams, as text that a reader can compare."""
    with monkeypatch.context() as patch:
        for name, value in way.environment.items():
            patch.setenv(name, value)
        patch.setenv("COLUMNS", str(way.width))
        patch.setenv("LINES", "40")
        with (
            Terminal(io.BytesIO(), "utf-8", newline="") as out,
            Terminal(io.BytesIO(), "utf-8", newline="") as err,
        ):
            with redirect_stdout(out), redirect_stderr(err):
                main(list(command))
            shown = _read_shown(out) + _read_shown(err)
    if way.codes:
        shown = _CODE.sub(lambda code: f"{{{_NAMES[code[1]]}}}", shown)
    return _mask_varying(_CODE.sub("", shown))


def _read_shown(stream: Terminal) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


def _mask_varying(shown: str) -> str:
    shown = _IDS.sub(lambda found: "0" * len(found[0]), shown)
    for pattern, constant in _VARYING:
        shown = pattern.sub(constant, shown)
    return shown


def write_sections(command: tuple[str, ...], screens: dict[str, str]) -> str:
    """All screens of a command, each below the kind of terminal."""
    sections = [f"$ mlver {' '.join(command)}\n"]
    seen: dict[str, str] = {}
    for name, screen in screens.items():
        same = seen.setdefault(screen, name)
        body = screen if same == name else f"(as with {same})\n"
        sections.append(f"-- {name} --\n{body}")
    return "\n".join(sections)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_screen_is_as_it_was_recorded(
    name: str, story: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = copy_repository(story, tmp_path / "clone")
    monkeypatch.chdir(clone.path)
    screens: dict[str, str] = {}
    for way_name, way in WAYS.items():
        screens[way_name] = play_screen(COMMANDS[name], way, monkeypatch)
    found = write_sections(COMMANDS[name], screens)
    if "SCREENS_INTO" in os.environ:
        (Path(os.environ["SCREENS_INTO"]) / f"{name}.txt").write_text(found)
        return
    assert found == (RECORDED / f"{name}.txt").read_text()
    assert screens["LC_ALL=C"].isascii()
    for way_name, screen in screens.items():
        assert "\ufffd" not in screen
        assert "Traceback" not in screen
        for line in screen.splitlines():
            # Only what is to be copied whole is wider: commands, and words without a blank.
            is_command = re.match(r"\s*(hint|next|which way is better|.*: mlver )", line)
            fits = measure_width(line) <= WAYS[way_name].width
            assert fits or is_command or WAYS[way_name].codes, (way_name, line)


def test_every_recorded_screen_has_its_command() -> None:
    assert sorted(file.stem for file in RECORDED.iterdir()) == sorted(COMMANDS)
