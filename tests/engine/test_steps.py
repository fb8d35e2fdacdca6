"""Steps and batches from real stores: what is drawn, hidden and labelled."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

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


@pytest.mark.invariant
def test_general_text_keeps_its_own_alphabet(tmp_path: Path) -> None:
    """Two adapters on one tokenizer: each sample's targets and replacements are those of its own domain."""
    stores, own = {}, {}
    tokenizer = byte_tokenizer()
    for name, text in (("biomedical", "The TP53 gene and the cells of mice. " * 30), ("dna", "ACGTTGCANACGT" * 60)):
        own[name] = load_adapter(name)
        (tmp_path / f"{name}.{'fa' if name == 'dna' else 'txt'}").write_text(f">one\n{text}\n" if name == "dna" else text)
        source = str(next(tmp_path.glob(f"{name}.*")))
        corpus = Corpus(name=name, adapter=name, sources=(source,), validation_fraction=0.0)
        stores[name] = build_store(own[name], corpus, tmp_path / name, seed=0, make_tokenizer=lambda records: tokenizer)
    maker = BatchMaker(list(stores.values()), list(own.values()), read_vocabulary(tokenizer, own["biomedical"]))
    stage = Stage(steps=3, mix={"biomedical": 0.5, "dna": 0.5}, corruption=Corruption(rate=0.5, mask=0.2, random=0.8))
    every = Steps(maker, list(stores), [stage], TRAINING)
    seen = {0: set(), 1: set()}
    for number in range(3):
        batch = every.batch(number)
        for source in seen:
            part = batch.take(np.flatnonzero(batch.source_N == source))
            chosen = part.labels_T >= 0
            assert chosen.any()
            ids = np.concatenate((part.labels_T[chosen], part.input_ids_T[chosen & (part.input_ids_T != maker.vocabulary.mask_id)]))
            seen[source] |= set(tokenizer.convert_ids_to_tokens(np.unique(ids).tolist()))
    assert {"T", "h", "5", "P"} <= seen[0]
    assert seen[1] == set("ACGTacgt")


def byte_tokenizer() -> PreTrainedTokenizerFast:
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    entries = [*special.values(), *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE({entry: number for number, entry in enumerate(entries)}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=32, **special)


def test_an_epoch_counts_passes_over_the_corpora_to_train_on(tmp_path: Path) -> None:
    one, general = store(tmp_path, "one", length=2000), store(tmp_path, "general", length=9000)
    vocabulary = read_vocabulary(one.tokenizer, load_adapter("dna"))
    maker = BatchMaker([one, general], [load_adapter("dna")] * 2, vocabulary)
    every = Steps(maker, ["one", "general"], [Stage(epochs=4.0, mix={"one": 0.75, "general": 0.25})], TRAINING, roles=["train", "replay"])
    drawn = [every[number].drawn for number in range(len(every))]
    assert sum(each["one"] for each in drawn) == pytest.approx(4 * 2000 * 32 / 31, rel=0.1)
    assert sum(each["general"] for each in drawn) == pytest.approx(4 * 2000 * 32 / 31 / 3, rel=0.25)
