"""From files of drug-target pairs to records."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.drug_target import deepdta
from domainbert.adapters.drug_target.options import DrugTargetOptions
from domainbert.adapters.drug_target.sides import Sides, is_cold, temperature
from domainbert.adapters.drug_target.tokenizers import BAR
from domainbert.corpus import hub
from domainbert.corpus.documents import Columns, read_documents
from domainbert.corpus.open import Source, expand, open_source
from domainbert.errors import CorpusError

SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".parquet", ".jsonl", ".ndjson"})
LARGEST_LOGARITHM = 20.0  # no affinity is below 1e-20 mol/l; KIBA's scores end at 17.2
NANO = 9.0
MAX_CHARACTERS = 1 << 17  # of a cell; titin has 34,350 residues

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Raw:
    """A pair as its file gives it.

    Args:
        id: names of its halves.
        drug: SMILES.
        target: sequence.
        label: None for none.
        file: name of its file.
        place: for messages.
        fold: of DeepDTA's; empty where there are none.
        family: of the target, where the source says.
    """

    id: str
    drug: str
    target: str
    label: float | None
    file: str
    place: str
    fold: str = ""
    family: str = ""


def pair_files(source: str, options: DrugTargetOptions) -> list[Path]:
    """The files that are read of a path, folder or glob."""
    if source.startswith(hub.PREFIX):
        raise CorpusError(f"{source}: pairs are not read from the Hub; save the data set as Parquet or CSV first")
    folder = _deepdta_folder(source)
    return deepdta.data_files(folder, options.ligands) if folder else expand(source, suffixes=SUFFIXES)


def read_pairs(source: str, options: DrugTargetOptions, drops: Drops) -> Iterator[Raw]:
    """The pairs of a table, of tables in a folder, or of a folder in DeepDTA's form.

    Raises:
        CorpusError: something cannot be read.
    """
    folder = _deepdta_folder(source)
    if folder:
        yield from _from_matrix(folder, options, drops)
        return
    for path in pair_files(source, options):
        with open_source(path) as file:
            yield from _from_table(file, options, drops)


def judged(raws: Iterable[Raw], options: DrugTargetOptions, drops: Drops) -> Iterator[Record]:
    """The records of pairs of which both halves can be read; the others are counted."""
    sides, counts = Sides(options), Counter[str]()
    for raw in raws:
        drug, target = sides.drug(raw.drug), sides.target(raw.target)
        wrong = next(((name, side) for name, side in (("drug", drug), ("target", target)) if side.reason), None)
        if wrong:
            drops.add(f"{wrong[0]}_{wrong[1].reason}", f"{raw.place} ({wrong[1].detail})")
            continue
        drops.num_kept += 1
        cut = sides.cut(target.text)
        if len(cut) < len(target.text):
            drops.trimmed["residues_beyond_max_residues"] += len(target.text) - len(cut)
        family = raw.family or target.group
        cold = {"drug": is_cold(drug.group, options.cold), "target": is_cold(family, options.cold)}
        groups = {"drug": drug.group, "target": family, "fold": raw.fold or "no fold"}
        part = temperature(cold.values())
        groups["both"] = f"{part} {drug.group} {family}"
        counts[part] += 1
        meta = {"file": raw.file, "start": "0", "kind": "pair", "fold": raw.fold, "drug_group": drug.group, "target_group": family}
        meta["cold"] = " ".join(name for name, held_out in cold.items() if held_out)
        yield Record(raw.id, drug.text, groups[options.group], meta, Record(raw.id, BAR + cut, family), raw.label)
    if options.group == "both":
        warm, cold_pairs, mixed = (f"{counts[part]:,}" for part in ("warm", "cold", "mixed"))
        _log.info("pairs: %s warm, %s cold in drug and target, %s mixed, which fit neither part", warm, cold_pairs, mixed)


def alone(records: Iterable[Record], options: DrugTargetOptions, drops: Drops) -> Iterator[Record]:
    """Unpaired drugs or targets as the adapters molecules and proteins read them, as halves of pairs."""
    sides, are_targets = Sides(options), options.holds == "targets"
    for record in records:
        text = BAR + sides.cut(record.text) if are_targets else record.text
        if are_targets:
            drops.trimmed["residues_beyond_max_residues"] += len(record.text) + 1 - len(text)
        own = record.group
        group = f"{temperature([is_cold(own, options.cold)])} {own}" if options.group == "both" else own
        meta = {**record.meta, "kind": f"unpaired {options.holds.removesuffix('s')}"}
        yield replace(record, text=text, group=group, meta=meta)


def _deepdta_folder(source: str) -> Path | None:
    """The folder in DeepDTA's form that a source names, by itself or by its matrix."""
    path = Path(source).expanduser()
    folder = path.parent if path.is_file() and path.name.removesuffix(".gz").removesuffix(".zst") in deepdta.MATRICES else path
    return folder if deepdta.is_folder(folder) else None


def _from_matrix(folder: Path, options: DrugTargetOptions, drops: Drops) -> Iterator[Raw]:
    drugs_path, targets_path, matrix = deepdta.data_files(folder, options.ligands)[:3]
    drugs, targets = (list(deepdta.read_names(path).items()) for path in (drugs_path, targets_path))
    folds = deepdta.read_folds(folder)
    cells = list(deepdta.read_matrix(matrix, num_rows=len(drugs), num_columns=len(targets), folds=folds))
    if not cells:
        raise CorpusError(f"{matrix}: nothing was measured in it")
    scale = options.affinity
    if scale == "auto":
        scale = "nanomolar" if max(cell.value for cell in cells) > LARGEST_LOGARITHM else "as_given"
    for cell in cells:
        (drug, smiles), (target, sequence) = drugs[cell.row], targets[cell.column]
        place = f"{matrix}:{cell.row + 1}, cell {cell.column + 1}"
        label = _label(cell.value, scale, place, drops)
        if label is not None:
            yield Raw(f"{drug} {target}", smiles, sequence, label, matrix.name, place, cell.fold)


def _from_table(file: Source, options: DrugTargetOptions, drops: Drops) -> Iterator[Raw]:
    extra = tuple(name for name in (options.target_column, options.affinity_column) if name)
    columns = Columns(options.drug_column, "", extra)
    scale = "as_given" if options.affinity == "auto" else options.affinity
    for document in read_documents(file, drops, columns=columns, encoding=options.encoding, max_characters=MAX_CHARACTERS):
        place = f"{file.path}:{document.line}"
        cell = document.fields.get(options.affinity_column, "").strip()
        value = _value(cell, drops)
        label = None if value is None else _label(value, scale, place, drops)
        if cell and label is None:
            if value is None:
                drops.add("affinity_is_no_number", f"{place} ({cell[:20]})")
            continue
        yield Raw(document.id, document.text.split()[0], document.fields[options.target_column], label, file.path.name, place)


def _value(cell: str, drops: Drops) -> float | None:
    """A number, of a bound such as ``>10000`` its value; None for anything else."""
    bare = cell.lstrip("<>=~ ")
    try:
        value = float(bare)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if bare != cell:
        drops.altered["bound_taken_as_value"] += 1
    return value


def _label(value: float, scale: str, place: str, drops: Drops) -> float | None:
    if scale == "as_given":
        return value
    if value <= 0 or not math.isfinite(value):
        drops.add("concentration_not_positive", f"{place} ({value:g})")
        return None
    return NANO - math.log10(value)
