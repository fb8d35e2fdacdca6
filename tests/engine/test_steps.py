"""Steps and batches from real stores: what is drawn, hidden and labelled."""

from pathlib import Path

import numpy as np
import pytest

from domainbert.adapters.dna.options import DnaOptions
from domainbert.adapters.registry import load_adapter
from domainbert.corpus.build import build_store
from domainbert.corpus.store import TokenStore
from domainbert.engine.packing import BatchMaker, micro_batches
from domainbert.engine.steps import Steps
from domainbert.recipe.schema import Corpus, Corruption, Ramp, Stage, Training
from domainbert.tokenization.spans import read_vocabulary

TRAINING = Training(max_length=32, batch_tokens=320, micro_batch_tokens=128)


def store(folder: Path, name: str, *, length: int, role: str = "train", text: str = "", **loader: object) -> TokenStore:
    adapter = load_adapter("dna", options=dict(loader))
    rng = np.random.default_rng(length)
    source = folder / f"{name}.fa"
    source.write_text(f">{name}\n{text or ''.join(rng.choice(list('ACGT'), length))}\n")
    options = adapter.tokenizer_kinds["character"]()
    return build_store(
        adapter, Corpus(name=name, sources=(str(source),), role=role, validation_fraction=0.0), folder / name, seed=0,
        make_tokenizer=lambda records: adapter.tokenizer("character", options, records, model_max_length=32),
    )  # fmt: skip


def steps(stores: dict[str, TokenStore], *stages: Stage, training: Training = TRAINING) -> Steps:
    adapters = [load_adapter("dna") for _ in stores]
    vocabulary = read_vocabulary(next(iter(stores.values())).tokenizer, adapters[0])
    return Steps(BatchMaker(list(stores.values()), adapters, vocabulary), list(stores), stages, training)


def test_epochs_count_only_what_the_mix_draws(tmp_path: Path) -> None:
    one, two = store(tmp_path, "one", length=2000), store(tmp_path, "two", length=2100)
    alone = steps({"one": one}, Stage(epochs=1.0))
    mixed = steps({"one": one, "two": two}, Stage(epochs=1.0, mix={"one": 1.0}))
    both = steps({"one": one, "two": two}, Stage(epochs=1.0))
    assert len(mixed) == len(alone) == 7  # 2,000 bases in windows of 31, ten of which fill a step
    assert 13 <= len(both) <= 15


def test_an_epoch_trains_on_every_base_once(tmp_path: Path) -> None:
    one = store(tmp_path, "one", length=2000)
    every = steps({"one": one}, Stage(epochs=1.0))
    content = sum(int((every.batch(number).length_N - 1).sum()) for number in range(len(every)))
    assert 2000 <= content < 2000 + 320  # the last step goes on into the next epoch


def test_lengths_in_tokens(tmp_path: Path) -> None:
    assert len(steps({"one": store(tmp_path, "one", length=500)}, Stage(tokens=3200))) == 10


def test_a_validation_corpus_is_never_trained_on(tmp_path: Path) -> None:
    stores = {"held": store(tmp_path, "held", length=800, role="validation"), "main": store(tmp_path, "main", length=900)}
    every = steps(stores, Stage(steps=5))
    assert [source.number for source in every.sources] == [1]
    main = stores["main"].text(0)
    for number in range(5):
        batch = every.batch(number)
        ids = np.where(batch.labels_T >= 0, batch.labels_T, batch.input_ids_T)
        starts = np.cumsum(batch.length_N) - batch.length_N
        for start, length in zip(starts, batch.length_N, strict=True):
            assert stores["main"].tokenizer.decode(ids[start + 1 : start + length]) in main


@pytest.mark.invariant
def test_only_known_bases_are_labelled(tmp_path: Path) -> None:
    one = store(tmp_path, "one", length=0, text="ACGTN" * 200, max_n_run=5)
    every = steps({"one": one}, Stage(steps=4, corruption=Corruption(rate=0.9)))
    vocabulary = every.maker.vocabulary
    for number in range(4):
        batch = every.batch(number)
        labels = batch.labels_T[batch.labels_T >= 0]
        assert set(one.tokenizer.convert_ids_to_tokens(np.unique(labels).tolist())) == set("ACGT")
        assert vocabulary.targets[labels].all() and (batch.labels_T[batch.position_T == 0] == -100).all()
        kept = batch.labels_T < 0
        assert set(one.tokenizer.convert_ids_to_tokens(np.unique(batch.input_ids_T[kept]).tolist())) <= {"A", "C", "G", "T", "N", "<cls>"}


def test_soft_masked_bases_are_chosen_less_often(tmp_path: Path) -> None:
    one = store(tmp_path, "one", length=0, text="A" * 1000 + "c" * 1000, soft_mask_weight=0.1)
    every = steps({"one": one}, Stage(steps=60))
    labels = np.concatenate([batch.labels_T[batch.labels_T >= 0] for batch in map(every.batch, range(60))])
    counts = np.bincount(labels, minlength=11)[[one.tokenizer.convert_tokens_to_ids(base) for base in "AC"]]
    assert 0.06 < counts[1] / counts[0] < 0.16


def test_k_mer_units_are_hidden_whole_in_single_bases(tmp_path: Path) -> None:
    one = store(tmp_path, "one", length=3000)
    every = steps({"one": one}, Stage(steps=3, corruption=Corruption(select="unit", rate=0.3, options={"unit": "kmer"})))
    for number in range(3):
        batch = every.batch(number)
        for row in range(len(batch.length_N)):
            hidden = (batch.take(np.array([row])).labels_T >= 0)[1:]
            whole = hidden[: len(hidden) // 6 * 6].reshape(-1, 6).sum(1)
            assert set(whole.tolist()) <= {0, 6}


def test_rates_follow_the_stage(tmp_path: Path) -> None:
    every = steps({"one": store(tmp_path, "one", length=4000)}, Stage(steps=11, corruption=Corruption(rate=Ramp("linear", 0.5, 0.1))))
    shares = [every.batch(number).num_selected / (every.batch(number).length_N - 1).sum() for number in (0, 5, 10)]
    assert shares == pytest.approx([0.5, 0.3, 0.1], abs=0.02)


def test_processes_share_a_step_evenly(tmp_path: Path) -> None:
    every = steps({"one": store(tmp_path, "one", length=4000)}, Stage(steps=3))
    whole = every[1]
    for num_ranks in (2, 3):
        shares = []
        for rank in range(num_ranks):
            every.share(rank=rank, num_ranks=num_ranks)
            shares.append(every[1])
        assert {share.num_selected for share in shares} == {whole.num_selected}
        assert sum(len(micro.labels_S) for share in shares for micro in share.micro_batches) == whole.num_selected
        assert len({len(share.micro_batches) for share in shares}) == 1
        tokens = [sum(len(micro.input_ids_T) for micro in share.micro_batches) for share in shares]
        assert max(tokens) - min(tokens) <= 2 * 32
        assert not any(len(pack) == 0 for mine in micro_batches(every.batch(1), budget=128, num_ranks=num_ranks) for pack in mine[:1])


def test_options_reach_the_loader() -> None:
    assert load_adapter("dna", options={"soft_mask_weight": 0.1}).options == DnaOptions(soft_mask_weight=0.1)
