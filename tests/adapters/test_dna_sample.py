"""The built-in DNA corpus: always the same, and with the structure that its data card claims."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.dna.sample import generate
from domainbert.evaluation.leakage import repeat_share

COMPLEMENT = str.maketrans("ACGT", "TGCA")
SHA256 = "f757d2faf456263f"


@pytest.fixture(scope="module")
def records():
    return list(generate())


def other_strand(text):
    return text.translate(COMPLEMENT)[::-1]


def both_strands(records):
    for record in records:
        yield record.text
        yield other_strand(record.text)


def species(records, number):
    return [record for record in records if record.id.startswith(f"species{number}_")]


def gc_content(records):
    text = "".join(record.text for record in records)
    return (text.count("G") + text.count("C")) / len(text)


def open_frames(text, at_least=300):
    """Longest frames of a strand from start to stop codon, as (begin, end)."""
    found = []
    for frame in range(3):
        codons = [text[at : at + 3] for at in range(frame, len(text) - 2, 3)]
        begin = None
        for number, codon in enumerate(codons):
            if begin is None and codon in ("ATG", "GTG", "TTG"):
                begin = number
            elif begin is not None and codon in ("TAA", "TAG", "TGA"):
                if 3 * (number + 1 - begin) >= at_least:
                    found.append((frame + 3 * begin, frame + 3 * (number + 1)))
                begin = None
    return found


def coverage(text, frames):
    covered = np.zeros(len(text), bool)
    for begin, end in frames:
        covered[begin:end] = True
    return covered.mean()


def test_bases_are_the_same_on_every_machine(records):
    assert hashlib.sha256("".join(record.text for record in records).encode()).hexdigest().startswith(SHA256)
    first = next(generate())
    assert (first.id, first.text) == (records[0].id, records[0].text)


def test_records_are_whole_contigs(records):
    assert len(records) == len({record.id for record in records}) == 45
    assert all(record.group == record.id for record in records)
    assert all(set(record.text) == set("ACGT") for record in records)
    assert 2_000_000 < sum(len(record.text) for record in records) < 3_000_000
    assert all(40_000 < len(record.text) < 85_000 for record in records)


def test_species_differ_in_gc_content(records):
    low, middle, high = (gc_content(species(records, number)) for number in (1, 2, 3))
    assert (low, middle, high) == pytest.approx((0.31, 0.50, 0.66), abs=0.02)
    for number, mean in ((1, low), (2, middle), (3, high)):
        assert all(abs(gc_content([record]) - mean) < 0.03 for record in species(records, number))


def test_genes_lie_on_both_strands_and_end_in_frame(records):
    rng = np.random.default_rng(0)
    for record in (species(records, number)[0] for number in (1, 2, 3)):
        strands = [coverage(strand, open_frames(strand)) for strand in (record.text, other_strand(record.text))]
        assert min(strands) > 0.2
        assert sum(strands) > 0.75
        shuffled = "".join(rng.permutation(list(record.text)))
        by_chance = sum(coverage(strand, open_frames(strand)) for strand in (shuffled, other_strand(shuffled)))
        assert by_chance < 0.5 * sum(strands)


def test_long_frames_keep_to_the_length_of_genes(records):
    """Nothing but a gene is open for 600 bases where a third of the codons end in A or T as often as TAA and TGA need."""
    lengths = [end - begin for strand in both_strands(species(records, 1)) for begin, end in open_frames(strand, 600)]
    assert len(lengths) > 300
    assert max(lengths) < 1_650  # 1,500, and what may stand open in front of a gene


def test_codon_usage_follows_gc_content(records):
    third = {}
    for number in (1, 2, 3):
        letters = Counter()
        for strand in both_strands(species(records, number)):
            for begin, end in open_frames(strand, 750):
                letters.update(strand[begin + 2 : end : 3])
        third[number] = (letters["G"] + letters["C"]) / letters.total()
    assert third[1] < 0.2
    assert third[2] == pytest.approx(0.57, abs=0.05)
    assert third[3] > 0.75  # frames that are open by chance on a gene's other strand lower it


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=TTGA.{18,20}TA.{3}T)",  # promoter: parts of TTGACA and TATAAT, 16 to 18 bases between the boxes
        "(?=AGGAGG.{5,9}ATG)",  # Shine-Dalgarno sequence and start codon
    ],
)
def test_boxes_stand_at_their_distance(records, pattern):
    """Far more often than in the same text read backwards without complementing: same composition, no boxes."""
    texts = list(both_strands(species(records, 3)))  # where boxes rich in A and T are rare by chance
    found = sum(len(re.findall(pattern, text)) for text in texts)
    by_chance = sum(len(re.findall(pattern, text[::-1])) for text in texts)
    assert found >= 100
    assert found > 3 * by_chance


def hairpins_before_t(text):
    """Places where six bases, a loop of three to eight, the reverse complement of the six and a run of T follow each other."""
    runs = [match.start() for match in re.finditer("(?<!T)TTTT", text)]
    return sum(any(other_strand(text[run - 6 : run]) == text[begin : begin + 6] for begin in range(run - 20, run - 14)) for run in runs)


def test_terminators_are_hairpins_followed_by_t(records):
    texts = [record.text for record in species(records, 2)[:6]]
    found = sum(hairpins_before_t(strand) for text in texts for strand in (text, other_strand(text)))
    by_chance = sum(hairpins_before_t(strand[::-1]) for text in texts for strand in (text, other_strand(text)))
    assert found > 20
    assert found > 3 * by_chance


def test_arrays_repeat_a_string_that_other_contigs_lack(records):
    frequent = {}
    for record in records:
        strings = Counter(record.text[at : at + 23] for at in range(len(record.text) - 22))
        frequent[record.id] = {string for string, count in strings.items() if count >= 8}
    owners = [name for name, strings in frequent.items() if strings]
    assert 10 < len(owners) < 35
    for name in owners:
        assert not any(frequent[name] & strings for other, strings in frequent.items() if other != name)


def test_held_out_contigs_share_little_with_the_others(records):
    """Mobile elements recur, changed; the rest must be predicted and not remembered."""
    held_out = [record.text for number, record in enumerate(records) if number % 8 == 2]
    train = [record.text for number, record in enumerate(records) if number % 8 != 2]
    share = repeat_share(train, held_out, mirror=other_strand)
    assert 0.005 < share < 0.05
    assert repeat_share(train[:10], train[10:20]) < 0.05


def test_data_card_says_what_the_corpus_is(records):
    from huggingface_hub import DatasetCard

    card = DatasetCard((Path(__file__).parents[2] / "data_cards" / "dna-sample.md").read_text())
    assert card.data.license == "apache-2.0"
    text = " ".join(card.text.split())
    assert "synthetic" in text
    assert f"{sum(len(record.text) for record in records):,} bases" in text
    assert f"{len(records)} contigs" in text
    for number in (1, 2, 3):
        assert f"{100 * gc_content(species(records, number)):.1f} %" in text
