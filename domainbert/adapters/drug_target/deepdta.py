"""Drug-target data in the form of DeepDTA (Öztürk et al. 2018, Bioinformatics 34, i821-i829): a matrix beside two dictionaries.

    ligands_can.txt, ligands_iso.txt   JSON, name -> SMILES, in the order of the matrix's rows
    proteins.txt                       JSON, name -> sequence, in the order of its columns
    affinity.csv or Y.csv, .tsv        the matrix, no header; ``nan`` or nothing where nothing was measured
    train_fold_setting1.txt            JSON, five lists of numbers: places among the measured pairs, row by row
    test_fold_setting1.txt             JSON, one list

Each may be compressed (``.gz``, ``.zst``).
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from domainbert.corpus.open import Source, open_source, plain_suffix
from domainbert.errors import CorpusError

LIGANDS = {"can": "ligands_can.txt", "iso": "ligands_iso.txt"}
PROTEINS = "proteins.txt"
MATRICES = ("affinity.csv", "affinity.tsv", "Y.csv", "Y.tsv")
FOLDS = {"train": "train_fold_setting1.txt", "test": "test_fold_setting1.txt"}
PICKLE = "Y"
_ENDINGS = ("", ".gz", ".bgz", ".zst")
_PICKLED = b"\x80"  # of every protocol from 2 on; 0 is text
CURE = (
    'reading a pickle runs what is in it, so it is not read. Write it as a table where you trust it: python -c "import pickle, numpy; '
    "numpy.savetxt('affinity.csv', pickle.load(open('Y', 'rb'), encoding='latin1'), delimiter=',')\""
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A measured pair.

    Args:
        row: number of the drug.
        column: number of the target.
        value: as the matrix has it.
        fold: ``train``, ``validation`` (the first of DeepDTA's five) or ``test``; empty where there are no folds.
    """

    row: int
    column: int
    value: float
    fold: str


def is_folder(path: Path) -> bool:
    """Whether a folder holds data in this form."""
    return path.is_dir() and find(path, PROTEINS) is not None


def data_files(folder: Path, ligands: str) -> list[Path]:
    """The files of a folder that are read.

    Raises:
        CorpusError: one is missing, or the matrix is there as a pickle only.
    """
    names = (LIGANDS[ligands], PROTEINS)
    found = [(name, find(folder, name)) for name in names]
    if missing := [name for name, path in found if path is None]:
        raise CorpusError(f"{folder}: there is no {missing[0]}; data in DeepDTA's form has {', '.join(names)} and {MATRICES[0]}")
    matrix = next((path for name in MATRICES if (path := find(folder, name))), None)
    if matrix is None:
        pickled = find(folder, PICKLE)
        hint = f"{pickled} is a pickle: {CURE}" if pickled else f"there is none of {', '.join(MATRICES)}"
        raise CorpusError(f"{folder}: no matrix of affinities: {hint}")
    folds = [find(folder, name) for name in FOLDS.values()]
    return [*(path for _, path in found if path), matrix, *(path for path in folds if path)]


def find(folder: Path, name: str) -> Path | None:
    """A file of that name, compressed or not."""
    return next((path for ending in _ENDINGS if (path := folder / (name + ending)).is_file()), None)


def read_names(path: Path) -> dict[str, str]:
    """A dictionary of names and texts, in its order.

    Raises:
        CorpusError: it is none.
    """
    found = _json(path)
    if not isinstance(found, dict) or not found or not all(isinstance(text, str) for text in found.values()):
        raise CorpusError(f'{path}: holds no dictionary of names and texts; {{"name": "text", ...}} is read')
    return found


def read_matrix(path: Path, *, num_rows: int, num_columns: int, folds: Mapping[int, str]) -> Iterator[Cell]:
    """The measured pairs, row by row.

    Raises:
        CorpusError: it is a pickle, is damaged, or has another shape.
    """
    place = row = 0
    separator = "\t" if plain_suffix(path) == ".tsv" else ","
    with open_source(path) as file:
        _refuse_pickles(file)
        with file.text("utf-8") as lines:
            for line in lines:
                cells = line.rstrip("\n").split(separator)
                if len(cells) != num_columns or row == num_rows:
                    wanted = f"{num_rows} rows, one a drug, of {num_columns} cells, one a target, are wanted"
                    raise CorpusError(f"{path}:{row + 1}: row {row + 1} has {len(cells)} cells; {wanted}")
                for column, cell in enumerate(cells):
                    value = _number(cell, f"{path}:{row + 1}, cell {column + 1}")
                    if not math.isnan(value):
                        yield Cell(row, column, value, folds.get(place, ""))
                        place += 1
                row += 1
    if row != num_rows:
        raise CorpusError(f"{path}: has {row} rows; there are {num_rows} drugs, in their order")
    if beyond := [number for number in folds if number >= place]:
        raise CorpusError(f"{path}: the folds name pair {max(beyond)}, and {place} are measured; they belong to another matrix")


def read_folds(folder: Path) -> dict[int, str]:
    """The fold of each measured pair by its place; empty where the folder has none.

    Raises:
        CorpusError: a file of folds is none, or a pair is in two.
    """
    train, test = (find(folder, name) for name in FOLDS.values())
    if train is None or test is None:
        return {}
    parts = _json(train)
    if not isinstance(parts, list) or not all(isinstance(part, list) for part in parts):
        raise CorpusError(f"{train}: holds no lists of folds; [[0, 5, ...], ...] is read")
    named = [("validation" if number == 0 else "train", part) for number, part in enumerate(parts)]
    folds: dict[int, str] = {}
    for name, part in [*named, ("test", _json(test))]:
        for place in part:
            if not isinstance(place, int) or place < 0 or place in folds:
                raise CorpusError(f"{folder}: pair {place!r} of the folds is no number of its own")
            folds[place] = name
    return folds


def _json(path: Path) -> object:
    with open_source(path) as file:
        _refuse_pickles(file)
        try:
            return json.loads(b"".join(file.blocks()))
        except ValueError as error:
            raise CorpusError(f"{path}: is no JSON ({error})") from None


def _refuse_pickles(file: Source) -> None:
    if file.head.startswith(_PICKLED) or b"cnumpy" in file.head[:64]:
        raise CorpusError(f"{file.path}: is a pickle: {CURE}")


def _number(cell: str, place: str) -> float:
    try:
        return float(cell.strip() or "nan")
    except ValueError:
        raise CorpusError(f"{place}: {cell!r} is no number; the matrix has no header and no names") from None
