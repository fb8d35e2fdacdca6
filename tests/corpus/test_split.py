"""The split: whole groups, else one block; nothing on both sides; a function of seed, groups and sizes."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainbert.corpus.groups import GroupGlobs
from domainbert.corpus.split import OVERSHOOT, SHORTFALL, Split, choose_split
from domainbert.corpus.staging import PIECE
from domainbert.errors import CorpusError
from domainbert.recipe.schema import Corpus

SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=4)
GROUPS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), SIZES, min_size=1, max_size=40)


def pieces_of(groups: dict[str, list[int]], seed: int, order: int = 0) -> np.ndarray:
    """Pieces of the groups, shuffled by ``order``; pieces of a group keep their order."""
    keys = dict(zip(groups, GroupGlobs(Corpus(), seed).keys(list(groups)).tolist(), strict=True))
    owners = np.random.default_rng(order).permutation([name for name, sizes in groups.items() for _ in sizes])
    left = {name: list(sizes) for name, sizes in groups.items()}
    pieces = np.zeros(len(owners), PIECE)
    pieces["group"] = [keys[name] for name in owners]
    pieces["characters"] = [left[name].pop(0) for name in owners]
    return pieces


def split_of(pieces: np.ndarray, fraction: float, folder) -> Split:
    total = int(pieces["characters"].sum())
    corpus = Corpus(validation_fraction=fraction)
    return choose_split(corpus, np.array_split(pieces, 3), num_pieces=len(pieces), num_characters=total, scratch=folder)


@given(GROUPS, st.floats(0.01, 0.9), st.integers(0, 2**40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_held_out_share_is_near_what_was_asked_for(tmp_path, groups, fraction, seed):
    pieces = pieces_of(groups, seed)
    total = int(pieces["characters"].sum())
    if total < 2:
        with pytest.raises(CorpusError, match="cannot be split into training and validation"):
            split_of(pieces, fraction, tmp_path)
        return
    split = split_of(pieces, fraction, tmp_path)
    held_out = split.held_out(pieces)
    whole = int(pieces["characters"][held_out].sum())
    block = 0
    if split.block_group is not None:
        members = pieces["group"] == split.block_group
        size = int(pieces["characters"][members].sum())
        block = size - split.block_start
        assert not held_out[members].any()
        assert 0 < block < size
        others = pieces[~held_out & ~members]
        assert all(others["characters"][others["group"] == key].sum() <= size for key in set(others["group"].tolist()))
    assert 0 < whole + block < total
    wanted = max(1, math.ceil(round(fraction * total, 6)))  # 0.1 * 30 is a little above 3
    assert whole + block <= OVERSHOOT * wanted
    if split.block_group is not None:
        assert whole < SHORTFALL * wanted
        assert whole + block == min(wanted, whole + size - 1)
    else:
        assert whole >= SHORTFALL * wanted or all(sum(sizes) == 1 for sizes in groups.values())


@given(GROUPS.filter(lambda groups: sum(map(sum, groups.values())) > 1), st.floats(0.01, 0.9), st.integers(0, 99))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_of_the_records_does_not_matter(tmp_path, groups, fraction, seed):
    one, other = pieces_of(groups, seed), pieces_of(dict(reversed(groups.items())), seed, order=1)
    first, second = split_of(one, fraction, tmp_path), split_of(other, fraction, tmp_path)
    held_out = [set(pieces["group"][split.held_out(pieces)].tolist()) for pieces, split in ((one, first), (other, second))]
    assert held_out[0] == held_out[1]
    assert (first.block_group, first.block_start) == (second.block_group, second.block_start)


def test_the_seed_chooses_the_groups(build, fasta, sequence):
    path = fasta({f"c{n}": sequence(100, n) for n in range(40)})
    chosen = [tuple(build(path, validation_fraction=0.1, seed=seed).indexes("validation")) for seed in (0, 0, 1, 2)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) == 3
    assert {len(rows) for rows in chosen} == {4}


@pytest.mark.invariant
def test_no_group_and_no_duplicate_is_on_both_sides(build, fasta, entries, sequence, reverse_complement):
    texts = {f"c{n}": sequence(130 + n % 5, n % 40) for n in range(80)}
    texts |= {f"m{n}": reverse_complement(sequence(130 + n % 5, n % 40)) for n in range(80)}
    settings = {"validation_fraction": 0.3, "views": {"reverse_complement": 1}, "options": {"window": 64, "min_piece": 1}}
    store = build(fasta(texts), **settings)
    train, held_out = entries(store, "train"), entries(store, "validation")
    assert len(train) + len(held_out) == 40
    assert not set(train) & set(held_out)
    readings = set(train.values()) | {reverse_complement(text) for text in train.values()}
    assert not readings & set(held_out.values())


def test_a_single_group_loses_its_end(build, fasta, sequence):
    text = sequence(1003, 1)
    store = build(fasta({"chromosome": text}), validation_fraction=0.2, options={"window": 64})
    train, held_out = ("".join(store.text(int(n)) for n in store.indexes(role)) for role in ("train", "validation"))
    assert (train, held_out) == (text[:802], text[802:])
    first = store.record(int(store.indexes("validation")[0]))
    assert first.meta["start"] == "802"
    for index in range(len(store)):
        record = store.record(index)
        assert text[int(record.meta["start"]) :].startswith(record.text)
    assert "one block at the end of the largest group left" in store.manifest.split


def test_a_small_group_is_topped_up_from_the_largest(build, fasta, entries, sequence):
    """A plasmid alone would be a poor fifth of a bacterium."""
    texts = {"chromosome": sequence(5000, 1), "plasmid": sequence(100, 2)}
    store = build(fasta(texts), validation_fraction=0.2, options={"window": 256})
    assert entries(store, "validation") == {"plasmid": texts["plasmid"], "chromosome": texts["chromosome"][-920:]}
    assert entries(store, "train") == {"chromosome": texts["chromosome"][:-920]}


def test_e_coli_holds_out_its_last_fifth(build, shared_data):
    store = build(shared_data / "dna" / "genomes" / "escherichia_coli", validation_fraction=0.2)
    held_out = [store.record(int(n)) for n in store.indexes("validation")]
    assert held_out[0].meta["start"] == str(4_641_652 * 4 // 5)
    assert sum(len(record.text) for record in held_out) == 4_641_652 - 4_641_652 * 4 // 5
    assert sum(len(store.text(int(n))) for n in store.indexes("train")) == 4_641_652 * 4 // 5


def test_groups_by_glob(build, fasta, entries, sequence):
    path = fasta({f"chr{n}": sequence(200, n) for n in range(1, 23)})
    store = build(path, validation_groups=("chr2", "chr2?"), exclude_groups=("chr1*",))
    assert set(entries(store, "validation")) == {"chr2", "chr20", "chr21", "chr22"}
    assert set(entries(store, "train")) == {f"chr{n}" for n in range(3, 10)}
    assert store.manifest.num_entries == 11
    assert store.manifest.drops == {}


def test_a_glob_without_a_match_names_the_nearest_groups(build, fasta, sequence, tmp_path):
    path = fasta({f"chr{n}": sequence(200, n) for n in (1, 2, 21)})
    with pytest.raises(CorpusError) as error:
        build(path, validation_groups=("chr20", "chr1"), exclude_groups=("scaffold*",), output=tmp_path / "out")
    first, second = str(error.value).splitlines()
    assert first.startswith("corpus 'main': validation_groups names 'chr20', which no group matches; nearest: chr2")
    assert second == "corpus 'main': exclude_groups names 'scaffold*', which no group matches; groups are, for example: chr1, chr2, chr21"
    assert not (tmp_path / "out").exists()


def test_globs_that_leave_no_training_text(build, fasta, sequence):
    with pytest.raises(CorpusError, match="leave no training text"):
        build(fasta({"a": sequence(99, 1), "b": sequence(99, 2)}), validation_groups=("*",))
    with pytest.raises(CorpusError, match="nothing is left"):
        build(fasta({"a": sequence(99, 1)}), exclude_groups=("a",))


def test_a_group_named_with_wildcard_characters_matches_itself(build, fasta, entries, sequence):
    store = build(fasta({"chr[1]": sequence(99, 1), "chr1": sequence(99, 2), "chr2": sequence(99, 3)}), validation_groups=("chr[1]",))
    assert set(entries(store, "validation")) == {"chr[1]", "chr1"}


def test_a_validation_corpus_is_all_held_out(build, fasta, sequence):
    store = build(fasta({"a": sequence(99, 1)}), role="validation", views={"reverse_complement": 1})
    assert store.indexes("validation").tolist() == [0]
    assert len(store) == 1


def test_nothing_is_held_out_of_a_fraction_of_zero(build, fasta, sequence):
    store = build(fasta({"a": sequence(99, 1)}), validation_fraction=0.0)
    assert store.indexes("train").tolist() == [0]
    assert store.manifest.split == "nothing held out (validation_fraction 0)"


def test_a_corpus_of_one_base(build, fasta):
    with pytest.raises(CorpusError, match="1 characters cannot be split into training and validation; add text or set"):
        build(fasta({"a": "A"}), options={"min_piece": 1})
    store = build(fasta({"a": "AC"}), options={"min_piece": 1})
    assert [store.text(n) for n in range(2)] == ["A", "C"]
