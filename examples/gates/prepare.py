"""Take labelled sentences out of vaderSentiment's source distribution.

python prepare.py vaderSentiment-3.3.2.tar.gz

Each kind is parted by the digests of its sentences, the same way everywhere: three quarters to
learn from (`data/learn/KIND.tsv`), the rest to be examined on (`data/exam/KIND.tsv`).
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

KINDS = {
    "tweets": "tweets",
    "reviews": "amazonReviewSnippets",
    "movies": "movieReviewSnippets",
    "news": "nytEditorialSnippets",
}
# On a scale from -4 to 4; what people rated closer to 0 is neither.
CLEAR = 0.5


def read_member(archive: tarfile.TarFile, suffix: str) -> bytes:
    """Read the one file whose name ends so, without unpacking anything."""
    (member,) = [item for item in archive.getmembers() if item.name.endswith(suffix)]
    opened = archive.extractfile(member)
    assert opened is not None
    return opened.read()


def list_rows(text: str) -> list[str]:
    rows = set()
    for line in text.splitlines():
        _, rating, sentence = line.split("\t")[:3]
        if abs(float(rating)) >= CLEAR:
            rows.add(f"{int(float(rating) > 0)}\t{sentence.strip()}\n")
    return sorted(rows)


def is_for_exam(row: str) -> bool:
    return hashlib.sha256(row.encode()).digest()[0] < 64


def main() -> None:
    with tarfile.open(sys.argv[1]) as source:
        inner = read_member(source, "additional_resources/hutto_ICWSM_2014.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        for kind, name in KINDS.items():
            data = read_member(archive, f"/{name}_GroundTruth.txt")
            rows = list_rows(data.decode(errors="replace"))
            for folder, chosen in (
                ("learn", [row for row in rows if not is_for_exam(row)]),
                ("exam", [row for row in rows if is_for_exam(row)]),
            ):
                place = Path("data", folder, f"{kind}.tsv")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text("".join(chosen), encoding="utf-8")


if __name__ == "__main__":
    main()
