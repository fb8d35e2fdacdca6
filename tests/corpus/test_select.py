"""``domainbert corpus select``: the formula, computed again the long way; seeds; crowds; what is refused."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from typer.testing import CliRunner

from domainbert.adapters.registry import load_adapter
from domainbert.cli.app import app
from domainbert.corpus.draw import Border, gumbel
from domainbert.corpus.ngrams import NUM_BUCKETS, grams

FIELD = ["gene", "mutation", "protein", "kinase", "receptor", "patients", "tumour", "binding", "IL-2", "serum"]
OTHER = ["parliament", "football", "weather", "train", "ticket", "window", "garden", "bread", "street", "music"]


def sentences(words, number, seed, length=9):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, length)) + f" of {name}." for name in range(number)]


@pytest.fixture
def files(tmp_path):
    """A pool of 60 sentences of the field among 140 others, and a sample of the field."""
    pool = sentences(FIELD, 60, 1) + sentences(OTHER, 140, 2)
    pool = [pool[place] for place in np.random.default_rng(3).permutation(len(pool))]
    for name, texts in (("pool", pool), ("sample", sentences(FIELD, 30, 4))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return tmp_path


@pytest.fixture
def select(files):
    def run(*arguments, output="kept.jsonl", status=0):
        sources = [str(files / "pool.jsonl"), "--sample", str(files / "sample.jsonl"), "--output", str(files / output)]
        done = CliRunner().invoke(app, ["corpus", "select", "--adapter", "biomedical", *sources, *arguments])
        assert done.exit_code == status, done.output
        return done

    return run


def texts_of(path):
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_selection_is_the_formula(files, select):
    select("--keep", "50", "--seed", "7")
    adapter = load_adapter("biomedical")
    pool, sample = (
        [Counter((grams(adapter, [text]).hashes_F % np.uint64(NUM_BUCKETS)).tolist()) for text in texts_of(files / f"{name}.jsonl")]
        for name in ("pool", "sample")
    )

    def smoothed(corpus):
        total = sum(corpus, Counter())
        return lambda bucket: (total[bucket] + 1) / (total.total() + NUM_BUCKETS)

    p, q = smoothed(sample), smoothed(pool)
    weights = [sum(count * math.log(p(bucket) / q(bucket)) for bucket, count in its.items()) for its in pool]
    keys = [weight + float(gumbel(7, place, 1)[0]) for place, weight in enumerate(weights)]
    wanted = sorted(sorted(range(len(pool)), key=lambda place: -keys[place])[:50])
    kept = [json.loads(line) for line in (files / "kept.jsonl").read_text().splitlines()]
    assert [row["id"] for row in kept] == [f"pool.jsonl:{place + 1}" for place in wanted]
    # Six decimals are written.
    assert [row["log_weight"] for row in kept] == pytest.approx([weights[place] for place in wanted], abs=1e-6)


def test_words_and_neighbouring_pairs_are_counted():
    adapter = load_adapter("biomedical")
    one, two, both = (set(grams(adapter, [text]).hashes_F.tolist()) for text in ("Gene", "kinase", "gene KINASE"))
    assert len(one | two) == 2 and one | two < both and len(both) == 3
    assert len(grams(load_adapter("dna"), ["ACGTACG"]).hashes_F) == 4 + 2


def test_the_draw_is_in_proportion_to_the_weights():
    log_weights = np.log([1.0, 2.0, 5.0])
    first = Counter(int(np.argmax(log_weights + gumbel(seed, 0, 3))) for seed in range(4000))
    # 4,000 draws: a standard error of at most 0.008.
    assert [first[place] / 4000 for place in range(3)] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.03)


def test_the_border_is_that_of_sorting():
    keys = np.random.default_rng(0).normal(size=1000).round(1) * 1e3
    for wanted in (1, 17, 500, 1000):
        order = np.argsort(-keys, kind="stable")[:wanted]
        border = Border(keys, wanted)
        found = np.concatenate([border.inside(part) for part in np.array_split(keys, 7)])
        assert np.array_equal(np.flatnonzero(found), np.sort(order))


def test_a_seed_gives_the_same_file_and_another_seed_another(files, select):
    for name, seed in (("a.jsonl", "1"), ("b.jsonl", "1"), ("c.jsonl", "2")):
        select("--keep", "0.4", "--seed", seed, output=name)
    one, again, other = ((files / name).read_bytes() for name in ("a.jsonl", "b.jsonl", "c.jsonl"))
    assert one == again != other


def test_the_report_says_what_was_kept_and_why(files, select):
    found = json.loads(select("--keep", "0.25", "--json").stdout)
    kept = texts_of(files / "kept.jsonl")
    assert (found["num_pool"], found["num_sample"], found["num_kept"], len(kept)) == (200, 30, 50, 50)
    assert sum(any(word in text for word in FIELD) for text in kept) >= 48
    assert found["divergence"]["kept"] < found["divergence"]["pool"]
    assert found["log_weight"]["kept"] > found["log_weight"]["pool"]
    assert found["files"] == {"pool.jsonl": [200, 50]}
    assert set(" ".join(found["wanted"]).split()) <= set(" ".join([*FIELD, "of ."]).lower().replace("-", " - ").split())
    assert set(found["unwanted"]) <= set(OTHER)
    assert "the sample has more of" in select("--keep", "5", output="more.jsonl").stdout


def test_diversity_thins_a_crowd(files, select):
    """Half of the pool, and of the sample, is one sentence with two words changed."""
    start = "gene mutation protein kinase receptor patients tumour"
    crowd = [f"{start} {first} {second}." for first in FIELD for second in FIELD]
    lines = [json.dumps({"text": text}) + "\n" for text in [*crowd, *sentences(FIELD, 100, 5)]]
    (files / "pool.jsonl").write_text("".join(lines))
    (files / "sample.jsonl").write_text("".join([*lines[:100:5], *lines[100::5]]))

    def share(diversity):
        select("--keep", "40", "--diversity", diversity, output=f"{diversity}.jsonl")
        return sum(text.startswith(start) for text in texts_of(files / f"{diversity}.jsonl")) / 40

    shares = [share(diversity) for diversity in ("0", "1", "3")]
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.3 * shares[0]


def test_kept_records_can_be_read_again(files, select):
    select("--keep", "20", output="kept.txt")
    select("--keep", "20", output="kept.fa")
    assert len((files / "kept.txt").read_text().splitlines()) == (files / "kept.fa").read_text().count(">") == 20
    again = ["--adapter", "biomedical", str(files / "kept.txt"), "validation_fraction=0", "--json"]
    done = CliRunner().invoke(app, ["corpus", "stats", *again])
    assert json.loads(done.stdout)["num_records"] == 20


@pytest.mark.parametrize(
    ("arguments", "output", "message"),
    [
        (["--keep", "500"], "kept.jsonl", "500 records are to be kept, the pool has 200"),
        (["--keep", "0"], "kept.jsonl", "0 records are to be kept"),
        (["--keep", "5"], "kept.csv", "give one of these suffixes"),
        (["--keep", "5", "--sample", "none.jsonl"], "kept.jsonl", "none.jsonl: no such file"),
    ],
)
def test_what_cannot_be_kept_is_named_and_nothing_is_written(files, select, arguments, output, message):
    assert message in select(*arguments, output=output, status=2).output
    assert sorted(path.name for path in files.iterdir()) == ["pool.jsonl", "sample.jsonl"]
