"""The bytes of adopted versions: never guessed, and read from whoever keeps them."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.adopting.foreign import cached, md5, pointer, tagged
from tests.features.adopting.test_adopt import gto

__all__ = ["gto"]


def test_bytes_that_are_not_here_are_never_guessed(gto: Repository) -> None:
    gone = gto.path / f".dvc/cache/files/md5/{md5('weights 1')[:2]}/{md5('weights 1')[2:]}"
    gone.write_text("other")  # what a cache's name says is not believed
    done = gto.mlver("adopt")
    assert done.code == 1
    assert f"Left digits@v1.0.0  DVC's copy of models/m.pkl is damaged ({gone})\n" in done.out
    aside = gone.parent.parent / f"{md5('weights 1')}.damaged"
    assert f"hint: mv -- {gone} {aside}\n  hint: dvc fetch --all-tags\n" in done.out
    assert "Left digits#prod  digits#prod#1 is of 1.0.0, which has no record yet" in done.out
    gone.unlink()
    assert (
        "Left digits@v1.0.0  the bytes of models/m.pkl that DVC calls "
        f"{md5('weights 1')} are not here\n" in gto.mlver("adopt").out
    )
    gone.write_text("weights 1")
    assert assert_works(gto, "adopt").splitlines()[1].startswith("  digits 1.0.0")
    assert read_document(gto.mlver("list", "--json"), "list")["models"][0]["stages"] == {
        "prod": "2.0.0"
    }


def test_verify_reads_what_others_keep(gto: Repository) -> None:
    assert_works(gto, "adopt")
    cache = gto.path / f".dvc/cache/files/md5/{md5('weights 1')[:2]}"
    (cache / md5("weights 1")[2:]).unlink()
    told = assert_works(gto, "verify", "--all")
    assert told.startswith("No damage  2 versions, 2 promotions, 1 file, 9 B\n")
    assert (
        "digits 1.0.0 weights is not stored by mlver, and models/m.pkl holds other bytes, "
        "and the bytes" in told
    )
    assert told.count("hint: dvc fetch --all-tags") == 1
    assert gto.mlver("verify", "--all", "--require-bytes").code == 1
    cache = gto.path / f".dvc/cache/files/md5/{md5('weights 2')[:2]}"
    (cache / md5("weights 2")[2:]).write_text("damaged")
    done = gto.mlver("verify", "--all")
    assert done.code == 1
    assert "DVC's copy of models/m.pkl is damaged" in done.out


def test_verify_reads_adopted_data_sets(gto: Repository) -> None:
    cached(gto, "corpus")
    gto.write("corpus.csv.dvc", pointer("corpus.csv", "corpus"))
    gto.commit()
    tagged(gto, "digits@v3.0.0")
    adopted = gto.mlver("adopt", "digits", "--data", "corpus=corpus.csv")
    assert (adopted.code, adopted.err.count("is adopted without its data set corpus")) == (0, 2)
    assert "2 files, 15 B" in assert_works(gto, "verify", "digits@3.0.0", "--require-bytes")
    name = md5("corpus")
    kept = gto.path / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}"
    kept.write_text("damaged")
    done = gto.mlver("verify", "digits@3.0.0")
    assert done.code == 1
    assert "digits 3.0.0 corpus is not stored by mlver" in done.out
    kept.unlink()
    told = assert_works(gto, "verify", "digits@3.0.0")
    assert told.startswith("No damage  1 version, 2 promotions, 1 file, 9 B\n")
    assert "digits 3.0.0 corpus is not stored by mlver, and corpus.csv is not there" in told
    assert gto.mlver("verify", "digits@3.0.0", "--require-bytes").code == 1
    refused = gto.mlver("promote", "digits@3.0.0", "--to", "production", "-m", "go")
    assert refused.code == 1
    assert "digits 3.0.0 corpus is not stored" in " ".join(refused.out.split())
