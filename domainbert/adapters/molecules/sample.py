"""The built-in molecules: real ones that come with RDKit, so that none has to be made up or downloaded.

The first 4,999 compounds of the National Cancer Institute's open collection and 10,000 screening compounds of the Walter and Eliza
Hall Institute, in the order of their files, mixed two to one.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from domainbert.adapters.base import Record
from domainbert.errors import CorpusError

NCI = "NCI/first_5K.smi"
WEHI = "Pains/test_data/wehi_mols.csv"


def read() -> Iterator[Record]:
    """Every molecule as RDKit's files spell it.

    Raises:
        CorpusError: this installation of RDKit lacks the files.
    """
    screening = _screening()
    for name, text in _cancer_institute():
        yield _record(name, text)
        for other, spelling in (next(screening, ("", "")) for _ in range(2)):
            if other:
                yield _record(other, spelling)
    for name, text in screening:
        yield _record(name, text)


def _record(name: str, text: str) -> Record:
    return Record(name, text, name, {"file": "sample", "start": "0"})


def _cancer_institute() -> Iterator[tuple[str, str]]:
    with _file(NCI).open(encoding="utf-8") as lines:
        for line in lines:
            text, _, number = line.strip().partition("\t")
            yield f"NSC-{number}", text


def _screening() -> Iterator[tuple[str, str]]:
    with _file(WEHI).open(encoding="utf-8", newline="") as lines:
        for text, name in csv.reader(lines):
            yield name, text


def _file(name: str) -> Path:
    from rdkit import RDConfig

    path = Path(RDConfig.RDDataDir) / name
    if not path.is_file():
        raise CorpusError(
            f"the built-in molecules are RDKit's own files, and {path} is not there; install RDKit from its wheels, or name a file"
        )
    return path
