"""The built-in pairs: real drugs, made-up targets, and affinities by a rule.

Drugs are molecules that RDKit ships, targets chains of the built-in protein families. A pair's affinity, as a negative logarithm to base
10 of a concentration in mol/l, is

    5.2 + 0.3 size + family + 0.35 (acid - base) charge + 0.45 aromatic aromatic + 0.35 halogen aliphatic + 0.3 donors polar + noise

where of each product the first factor is a property of the drug and the second one a share of the target's residues, both in standard
deviations; ``family`` is a number of the target's family. So a part follows from the drug alone, a part from the target alone, and a part
from which meets which. What comes out below 5 is 5: the assay ends at 10 micromolar, as that of DAVIS does. A quarter of all pairs is
measured. data_cards/drug_target-sample.md gives the shares.

Only uniform doubles of NumPy's PCG64 are drawn.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from domainbert.adapters.base import Record
from domainbert.adapters.drug_target.reading import Raw

SEED = 20261125
DRUG_EVERY = 40  # of the molecules of a drug's length
DRUG_LENGTHS = range(15, 46)  # characters
CLADES = (1, 4, 7, 10)  # of each family, whose first chains are targets
MEASURED = 0.25
CEILING = 5.0
HIGHEST = 10.0
NOISE = 0.5  # times a sum of four uniform draws about 0, whose standard deviation is 0.58

PATTERNS = {
    "acid": "[CX3](=O)[OX2H1]",
    "base": "[NX3;!$(N~C=[O,S,N]);!$(N-a);!$(N~[O,N,S])]",
    "halogen": "[F,Cl,Br,I]",
    "donors": "[N,O;!H0]",
    "aromatic": "a",
    "size": "[!#1]",
}
RESIDUES = {"aromatic": "FWYH", "aliphatic": "AILMV", "polar": "STNQ"}

Floats = NDArray[np.float64]


def pairs() -> Iterator[Raw]:
    """Every measured pair, drug by drug: always the same ones."""
    drugs, targets = list(_drugs()), list(_targets())
    rng = np.random.Generator(np.random.PCG64(SEED))
    affinity = _affinities(drugs, targets, rng)
    measured = rng.random(affinity.shape) < MEASURED
    for row, (name, text) in enumerate(drugs):
        for column in np.flatnonzero(measured[row]).tolist():
            target = targets[column]
            pair = f"{name} {target.id}"
            yield Raw(pair, text, target.text, float(affinity[row, column]), "sample", f"sample: {pair}", "", _family(target))


def with_families(records: Iterable[Record]) -> Iterator[Record]:
    """Records of the built-in proteins with their family as the group; those of built-in molecules stay."""
    for record in records:
        yield replace(record, group=_family(record)) if ", clade " in record.group else record


def _family(record: Record) -> str:
    return record.group.partition(", clade ")[0]


def _drugs() -> Iterator[tuple[str, str]]:
    from domainbert.adapters.molecules.sample import read

    fitting = (record for record in read() if len(record.text) in DRUG_LENGTHS and "." not in record.text)
    for number, record in enumerate(fitting):
        if number % DRUG_EVERY == 0:
            yield record.id, record.text


def _targets() -> Iterator[Record]:
    from domainbert.adapters.proteins.sample import generate

    wanted = {f"{clade}.1" for clade in CLADES}
    return (record for record in generate() if record.id.rpartition(" ")[2] in wanted)


def _affinities(drugs: list[tuple[str, str]], targets: list[Record], rng: np.random.Generator) -> Floats:
    drug, target = _drug_properties([text for _, text in drugs]), _target_properties([record.text for record in targets])
    families = list(dict.fromkeys(map(_family, targets)))
    own = dict(zip(families, (rng.random(len(families)) - 0.5).tolist(), strict=True))
    noise = NOISE * (rng.random((4, len(drugs), len(targets))).sum(axis=0) - 2)
    met = (
        0.35 * np.outer(drug["acid"] - drug["base"], target["charge"])
        + 0.45 * np.outer(drug["aromatic"], target["aromatic"])
        + 0.35 * np.outer(drug["halogen"], target["aliphatic"])
        + 0.3 * np.outer(drug["donors"], target["polar"])
    )
    alone = 5.2 + 0.3 * drug["size"][:, None] + np.array([own[_family(record)] for record in targets])
    affinities: Floats = np.clip(np.round(alone + met + noise, 2), CEILING, HIGHEST)
    return affinities


def _drug_properties(texts: list[str]) -> dict[str, Floats]:
    """Counts of each pattern in standard deviations."""
    from rdkit import Chem

    molecules = [Chem.MolFromSmiles(text) for text in texts]
    found = {}
    for name, pattern in PATTERNS.items():
        query = Chem.MolFromSmarts(pattern)
        found[name] = _standard([0 if each is None else len(each.GetSubstructMatches(query)) for each in molecules])
    return found


def _target_properties(texts: list[str]) -> dict[str, Floats]:
    """Shares of residues, and the net charge a residue, in standard deviations."""
    shares = {name: _standard([sum(map(text.count, letters)) / len(text) for text in texts]) for name, letters in RESIDUES.items()}
    charge = [(text.count("K") + text.count("R") - text.count("D") - text.count("E")) / len(text) for text in texts]
    return {**shares, "charge": _standard(charge)}


def _standard(values: list[float] | list[int]) -> Floats:
    array = np.array(values, float)
    standard: Floats = (array - array.mean()) / array.std()
    return standard
