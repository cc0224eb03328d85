"""`mlver diff --weights`: what became of tensors, by their bytes and without them."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy
import pytest

from mlver.content.tensors import digesting
from mlver.features.comparing import weights_diff
from mlver.features.comparing.weights_screen import draw_weights
from mlver.project.project import Project
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.content.tensors.makers import (
    Array,
    Stored,
    describe_state,
    draw_values,
    make_pytorch,
    make_safetensors,
)

Tensors = dict[str, Array]


def build_model(words: int = 300) -> Tensors:
    tensors: Tensors = {"embeddings.word_embeddings.weight": draw_values(words, 16)}
    for layer in range(4):
        for name in ("query", "key"):
            tensors[f"encoder.layer.{layer}.{name}.weight"] = draw_values(16, 16, seed=layer + 1)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = numpy.zeros(16, "f4")
    tensors["pooler.dense.weight"] = draw_values(16, 16, seed=9)
    return tensors


def nudge(array: Array, scale: float = 1e-3) -> Array:
    return array + draw_values(*array.shape, seed=5, scale=scale)


def add_lora(tensors: Tensors) -> Tensors:
    lora = {
        "encoder.layer.0.query.lora_A.weight": draw_values(2, 16),
        "encoder.layer.0.query.lora_B.weight": draw_values(16, 2),
    }
    return tensors | lora


def change_head(tensors: Tensors) -> Tensors:
    name = "pooler.dense.weight"
    return tensors | {name: nudge(tensors[name])}


def break_value(tensors: Tensors) -> Tensors:
    name = "encoder.layer.2.query.weight"
    broken = tensors[name].copy()
    broken[3, 3] = numpy.nan
    return tensors | {name: broken}


def build_versions() -> dict[str, tuple[bytes, str, str]]:
    """Of each version its bytes, the kind of its change since 1.0.0, and part of the sentence."""
    base = build_model()
    grown = numpy.concatenate([base["embeddings.word_embeddings.weight"], draw_values(7, 16)])
    changed: dict[str, tuple[Tensors, str, str]] = {
        "1.1.0": ({n: nudge(a) for n, a in base.items()}, "small", "18 of 18 tensors changed"),
        "1.2.0": (change_head(base), "head", "head only (pooler)"),
        "1.3.0": (add_lora(base), "adapters", "LoRA adapters added: 2 tensors"),
        "1.4.0": (
            {name: array.astype(ml_dtypes.bfloat16) for name, array in base.items()},
            "cast",
            "cast F32 → BF16, no other change",
        ),
        "1.5.0": ({f"bert.{n}": a for n, a in base.items()}, "renamed", "'bert.' put before"),
        "1.6.0": (
            base | {"embeddings.word_embeddings.weight": grown},
            "grown",
            "vocabulary grown: 300 → 307 rows",
        ),
        "1.7.0": (break_value(base), "broken", "1 NaN in 1 tensor: encoder.layer.2.query.weight"),
        "1.8.0": (dict(reversed(base.items())), "resaved", "saved again"),
    }
    versions = {"1.0.0": (make_safetensors(base), "identical", "the same files")}
    for number, (tensors, kind, text) in changed.items():
        versions[number] = make_safetensors(tensors, {"format": "pt"}), kind, text
    return versions


VERSIONS = build_versions()
# What a few of the values may say of the others, as long as they say so.
_NEARLY = r"≈[0-9.e+-]+"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A model with a version for each kind of change."""
    made = Repository(tmp_path_factory.mktemp("weights") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write(".gitignore", "/w\n")
    made.commit("First")
    assert made.mlver("init").code == 0
    for number, (data, _, _) in VERSIONS.items():
        made.write("w/model.safetensors", data)
        made.write("w/config.json", "{}")
        done = made.mlver("register", "m", "--version", number, "--weights", "w", "-m", "Why")
        assert done.code == 0, done.err
    return made


@pytest.fixture
def copied(trained: Repository, tmp_path: Path) -> Repository:
    return copy_repository(trained, tmp_path / "repository")


def forget_bytes(repository: Repository) -> None:
    """What a clone is whose bytes are elsewhere."""
    for folder in (".git/mlver/objects", ".git/mlver/packs", "w"):
        shutil.rmtree(repository.path / folder, ignore_errors=True)


def compare(repository: Repository, *words: str) -> Any:
    return read_document(repository.mlver("diff", *words, "--weights", "--json"), "weights")


@pytest.mark.parametrize("number", VERSIONS)
def test_each_change_is_named(trained: Repository, number: str) -> None:
    _, kind, text = VERSIONS[number]
    document = compare(trained, "m@1.0.0", number)
    assert (document["kind"], text in document["sentence"]) == (kind, True), document["sentence"]
    assert (document["kept"], document["estimated"]) == ([], False)
    assert document["differs"] == (kind not in {"identical", "resaved"})
    assert text in assert_works(trained, "diff", "m@1.0.0", number, "--weights")


def test_each_change_is_named_without_the_bytes(copied: Repository) -> None:
    forget_bytes(copied)
    for number, (_, kind, text) in VERSIONS.items():
        document = compare(copied, "m@1.0.0", number)
        found = (document["kind"], text in document["sentence"])
        assert found == (kind, True), document["sentence"]
        assert document["kept"] == ["m 1.0.0", f"m {number}"]
        assert document["estimated"] == (kind in {"small", "cast", "grown"})
    said = assert_works(copied, "diff", "m@1.0.0", "1.1.0", "--weights")
    assert re.search(rf"encoder.layer.0…3 +16 of 16 +{_NEARLY} +{_NEARLY}", said)
    assert "note: the bytes of m 1.0.0 and m 1.1.0 are not here" in said


def test_one_side_with_bytes_is_compared_with_what_is_kept_of_the_other(
    copied: Repository,
) -> None:
    forget_bytes(copied)
    copied.write("w/model.safetensors", VERSIONS["1.2.0"][0])
    document = compare(copied, "m@1.0.0")
    assert (document["kind"], document["kept"]) == ("head", ["m 1.0.0"])
    # The work tree has the bytes of 1.2.0, which is proven before they are believed.
    assert compare(copied, "m@1.2.0", "m@1.0.0")["kept"] == ["m 1.0.0"]


def test_the_table_shows_groups_and_the_farthest(trained: Repository) -> None:
    said = assert_works(trained, "diff", "m@1.0.0", "1.2.0", "--weights")
    assert re.search(r"pooler +1 of 1 +[0-9.]+e-03 +[0-9.]+e-0[34] +[0-9.]+e-0[67] +100 %\n", said)
    assert "NaN/Inf" not in said
    assert "most of it in pooler.dense.weight" in said
    assert "as before: embeddings, encoder.layer.0…3" in said
    assert "17 tensors as before, 7,232 values in all, none is NaN or infinite" in said


def test_what_is_no_number_has_a_column(trained: Repository) -> None:
    said = assert_works(trained, "diff", "m@1.0.0", "1.7.0", "--weights")
    assert re.search(r"encoder.layer.0…3 +1 of 16 .* 1\n", said)
    assert "none is NaN" not in said


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_fits_a_terminal_of_80_columns(
    copied: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the widest numbers, and the name of a group that is as long as any."""
    layer = "model.language_model.encoder.decoder.layers"
    for version, seed in (("2.0.0", 1), ("2.1.0", 5)):
        tensors = {f"{layer}.{n}.weight": draw_values(4, seed=seed + n) for n in range(2)}
        copied.write("w/model.safetensors", make_safetensors(tensors))
        assert_works(copied, "register", "m", "--version", version, "-m", "Long names")
    forget_bytes(copied)
    monkeypatch.setenv("COLUMNS", "80")
    project = Project.open_existing(copied.path)
    for ref, other in (("m@1.0.0", "1.1.0"), ("m@2.0.0", "2.1.0")):
        stream = Terminal()
        draw_weights(weights_diff.diff_weights(project, ref, other), TextScreen(stream))
        table = stream.getvalue().partition("as before")[0]
        assert "≈" in table
        assert max(map(len, table.splitlines())) <= 80


def test_groups_go_as_deep_as_is_asked_for(trained: Repository) -> None:
    document = compare(trained, "m@1.0.0", "1.1.0", "--group", "1")
    assert [group["name"] for group in document["groups"]] == ["embeddings", "encoder", "pooler"]
    shares = [group["share"] for group in document["groups"]]
    assert sum(shares) == pytest.approx(1)
    deep = compare(trained, "m@1.0.0", "1.1.0", "--group", "9")
    assert len(deep["groups"]) == 18


def test_diff_leads_to_the_comparison_of_tensors(copied: Repository) -> None:
    said = assert_works(copied, "diff", "m@1.0.0", "1.2.0")
    assert said.endswith("next: mlver diff m@1.0.0 @1.2.0 --weights\n")
    assert assert_works(copied, "diff", "m@1.0.0").endswith("next: mlver diff m@1.0.0 --weights\n")
    copied.write("w/config.json", "{} ")
    assert "--weights" not in assert_works(copied, "diff", "m@1.8.0")


def test_the_work_tree_is_compared_as_it_is(copied: Repository) -> None:
    assert compare(copied, "m@1.8.0")["kind"] == "identical"
    copied.write("w/model.safetensors", VERSIONS["1.7.0"][0])
    document = compare(copied, "m@1.8.0")
    assert (document["kind"], document["new"]) == ("broken", "m (work tree)")
    done = copied.mlver("diff", "m@1.8.0", "--weights", "--exit-code")
    assert done.code == 1
    assert copied.mlver("diff", "m@1.0.0", "1.8.0", "--weights", "--exit-code").code == 0


def test_files_of_one_model_are_compared_together(copied: Repository) -> None:
    base = build_model()
    names = list(base)
    (copied.path / "w/model.safetensors").unlink()
    for number, half in enumerate((names[:9], names[9:])):
        shard = make_safetensors({name: base[name] for name in half})
        copied.write(f"w/model-{number}.safetensors", shard)
    assert compare(copied, "m@1.0.0")["kind"] == "resaved"
    # Two files with tensors of one name are two models.
    copied.write("w/model-1.safetensors", make_safetensors(base))
    document = compare(copied, "m@1.0.0")
    assert document["kind"] == "shapes"
    assert any(t["name"].startswith("model-1.safetensors:") for t in document["differing"])


def test_what_is_not_read_of_a_file_is_not_called_the_same(copied: Repository) -> None:
    base = build_model()
    state: dict[str, Any] = {**describe_state(base), "more": Stored("FloatStorage", "other", 3)}
    (copied.path / "w/model.safetensors").unlink()
    copied.write("w/model.pt", make_pytorch(base, state=state))
    document = compare(copied, "m@1.0.0")
    assert (document["kind"], document["differs"]) == ("unread", False)
    assert document["remarks"][0].startswith("m (work tree): storages of no tensor")
    done = copied.mlver("register", "m", "--version", "2.0.0", "--weights", "w", "-m", "Why")
    assert done.code == 0, done.err
    forget_bytes(copied)
    assert compare(copied, "m@1.0.0", "2.0.0")["kind"] == "unread"


def test_without_numpy_only_the_numbers_are_missing(
    copied: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digesting, "can_summarise", lambda: False)
    monkeypatch.setattr(weights_diff, "can_summarise", lambda: False)
    for number, (_, kind, _) in VERSIONS.items():
        document = compare(copied, "m@1.0.0", number)
        # How far, and what is no number, takes numpy.
        expected = {"small": "some", "broken": "some"}.get(kind, kind)
        assert (document["kind"], document["measured"]) == (expected, False)
    assert "pip install 'mlver[insight]'" in assert_works(
        copied, "diff", "m@1.0.0", "1.1.0", "--weights"
    )


def test_what_cannot_be_compared_is_refused(copied: Repository) -> None:
    assert_refused(copied, "diff", "m@1.0.0", "--group", "2", code=2)
    assert_refused(copied, "diff", "m@1.0.0", "--weights", "--markdown", code=2)
    assert_refused(copied, "diff", "main...HEAD", "--weights", code=2)
    copied.write("w/model.safetensors", b"\xff" * 100)
    assert "cannot be read as safetensors" in assert_refused(copied, "diff", "m@1.0.0", "--weights")
    (copied.path / "w/model.safetensors").unlink()
    assert "is of a format" in assert_refused(copied, "diff", "m@1.0.0", "--weights")
    forget_bytes(copied)
    shutil.rmtree(copied.path / ".mlver/tensors")
    assert "pins nothing of its tensors" in assert_refused(
        copied, "diff", "m@1.0.0", "1.1.0", "--weights"
    )


def test_a_link_out_of_the_work_tree_is_not_followed(copied: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(VERSIONS["1.1.0"][0])
    (copied.path / "w/model.safetensors").unlink()
    (copied.path / "w/model.safetensors").symlink_to(outside)
    assert_refused(copied, "diff", "m@1.0.0", "--weights")


def test_show_names_the_architecture(copied: Repository) -> None:
    said = assert_works(copied, "show", "m@1.0.0")
    assert "tensors  7,232 values in 18 tensors  F32, safetensors" in said
    assert re.search(r"encoder.layer.0…3 +16 tensors +2,176 +query.weight 16 × 16", said)
    document = read_document(copied.mlver("show", "m@1.0.0", "--json"), "show")
    architecture = document["architecture"]
    assert [part["name"] for part in architecture["parts"]] == [
        "embeddings",
        "encoder.layer.0…3",
        "pooler",
    ]
    assert (architecture["dtypes"], architecture["parts"][0]["shape"]) == (
        {"F32": 7232},
        [300, 16],
    )
    shutil.rmtree(copied.path / ".mlver/tensors")
    document = read_document(copied.mlver("show", "m@1.0.0", "--json"), "show")
    assert document["architecture"] is None
    assert "tensors  " not in assert_works(copied, "show", "m@1.0.0")
