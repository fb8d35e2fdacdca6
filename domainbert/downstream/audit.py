"""What is wrong with a task's data: leaks between splits, leaks from pretraining, rules of one line, labels that contradict."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from domainbert.adapters.base import Adapter, Drops
from domainbert.corpus.documents import read_documents
from domainbert.corpus.open import Source
from domainbert.corpus.store import TokenStore
from domainbert.downstream.dataset import Dataset, Ints, Split, pick, whole_texts
from domainbert.downstream.near import THRESHOLD, nearest, string_length
from domainbert.downstream.shortcuts import best_rule
from domainbert.downstream.task import COLD_BOTH, Task
from domainbert.embedding.encoder import Encoder
from domainbert.errors import CorpusError
from domainbert.evaluation.leakage import repeat_share

MAX_REPEAT = 31  # letters of a stretch that counts as seen in pretraining
MIN_REPEAT = 12
MAX_SHARE = 0.01  # of test rows: what is more than this is a warning


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an audit.

    Args:
        check: its name, for programs.
        warns: whether scores should not be read without it.
        text: for people.
        figures: the numbers.
    """

    check: str
    warns: bool
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def audit(
    dataset: Dataset, split: Split, adapter: Adapter, stores: Sequence[TokenStore], encoder: "Encoder | None" = None
) -> list[dict[str, Any]]:
    """Every check on one split.

    Args:
        dataset: the task's rows.
        split: of the first seed.
        adapter: for other readings of a text and the length of strings.
        stores: of the pretraining run, where it is known.
        encoder: whose length texts may exceed.
    """
    findings = [_class_order(dataset, split), *_left_out(dataset), *_mixed(dataset, split), *_contradictions(dataset)]
    findings += [_exact(dataset, split, adapter), _near(dataset, split, adapter), *_group_overlap(dataset, split)]
    if stores:
        findings.append(_contamination(dataset, split, adapter, stores))
    findings += length_finding(dataset, encoder) if encoder else ()
    findings += [*best_rule_finding(dataset, split), *_listed(dataset, adapter)]
    return [asdict(finding) for finding in findings]


def _class_order(dataset: Dataset, split: Split) -> Finding:
    task = dataset.task
    if task.kind == "classification":
        train, test = dataset.counts(split.train), dataset.counts(split.test)
        order = ", ".join(f"{number} = {name} ({train[name]:,}/{test[name]:,})" for number, name in list(enumerate(train))[:12])
        more = f" and {len(train) - 12} more" if len(train) > 12 else ""  # noqa: PLR2004  # on a line
        found = f"; to be found: {dataset.classes[dataset.positive()]}" if len(train) == 2 else ""  # noqa: PLR2004
        return Finding("class_order", False, f"classes (train/test): {order}{more}{found}", {"train": train, "test": test})
    if task.kind == "regression":
        values = dataset.labels[split.train]
        figures = {"mean": float(values.mean()), "sd": float(values.std()), "low": float(values.min()), "high": float(values.max())}
        text = "labels in train: mean {mean:.4g}, sd {sd:.4g}, {low:.4g} to {high:.4g}".format(**figures)
        censored, count = Counter(values.tolist()).most_common(1)[0]
        if count > len(values) / 4:
            figures |= {"most_frequent": censored, "share": count / len(values)}
            text += f"; {count / len(values):.0%} of them are {censored:g} exactly (censored?)"
        return Finding("labels", count > len(values) / 4, text, figures)
    return Finding("class_order", False, f"{len(dataset.classes)} labels: {', '.join(dataset.classes[:12])}", {"labels": dataset.classes})


def _left_out(dataset: Dataset) -> Iterator[Finding]:
    if counts := dataset.drops.counts:
        shown = ", ".join(f"{reason} {count:,}, first at {dataset.drops.first.get(reason, '?')}" for reason, count in counts.items())
        yield Finding("left_out", counts.total() > MAX_SHARE * len(dataset), f"rows left out: {shown}", dict(counts))


def _mixed(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Pairs that fit neither train nor test."""
    if dataset.task.split.by == COLD_BOTH:
        mixed = len(dataset) - len(split.train) - len(split.validation) - len(split.test)
        text = f"mixed pairs: {mixed:,} of {len(dataset):,} share a half with train and one with test or validation, and are in none"
        yield Finding("mixed_pairs", False, text, {"mixed": mixed})


def _keys(dataset: Dataset, adapter: Adapter) -> list[str]:
    """What makes two rows the same: the text, in the smaller of its readings, and the other half of a pair."""
    seconds = dataset.seconds or ("",) * len(dataset)
    return [f"{min(text, adapter.mirror(text) or text)}\0{second}" for text, second in zip(dataset.texts, seconds, strict=True)]


def _label(dataset: Dataset, row: int) -> Any:
    return tuple(dataset.tags[row].tolist()) if dataset.task.kind == "tokens" else np.nan_to_num(dataset.labels[row], nan=-1).tolist()


def _contradictions(dataset: Dataset) -> Iterator[Finding]:
    by_text: dict[str, set[str]] = defaultdict(set)
    for row, text in enumerate(dataset.texts):
        by_text[f"{text}\0{dataset.seconds[row] if dataset.seconds else ''}"].add(repr(_label(dataset, row)))
    repeated = len(dataset) - len(by_text)
    opposed = [text for text, labels in by_text.items() if len(labels) > 1]
    if repeated:
        example = f", such as {opposed[0][:40]!r}" if opposed else ""
        text = f"{repeated:,} of {len(dataset):,} rows repeat another one; {len(opposed):,} texts have labels that differ{example}"
        warns = len(opposed) > MAX_SHARE * len(dataset)
        yield Finding("contradictory_labels", warns, text, {"repeated": repeated, "contradictory_texts": len(opposed)})


def _exact(dataset: Dataset, split: Split, adapter: Adapter) -> Finding:
    keys = _keys(dataset, adapter)
    labels = {key: _label(dataset, row) for key, row in zip(pick(keys, split.train), split.train.tolist(), strict=True)}
    shared = [row for row in split.test.tolist() if keys[row] in labels]
    agree = sum(labels[keys[row]] == _label(dataset, row) for row in shared)
    validation = sum(keys[row] in labels for row in split.validation.tolist())
    other = " (or its other strand)" if adapter.mirror(dataset.texts[0]) is not None else ""
    text = f"exact duplicates{other}: {_share(len(shared), split.test)} of test rows stand in train, {agree:,} with the same label"
    text += f"; {validation:,} validation rows do"
    figures = {"test_in_train": len(shared), "same_label": agree, "validation_in_train": validation, "test": len(split.test)}
    return Finding("exact_duplicates", len(shared) > MAX_SHARE * len(split.test), text, figures)


def _near(dataset: Dataset, split: Split, adapter: Adapter) -> Finding:
    length = string_length(adapter)
    if dataset.seconds:
        return _near_pairs(dataset, split, length)
    found = nearest(pick(dataset.texts, split.train), pick(dataset.texts, split.test), length=length, mirror=adapter.mirror)
    agree = sum(_label(dataset, int(split.train[left])) == _label(dataset, int(split.test[right])) for right, (left, _) in found.items())
    text = f"near duplicates: {_share(len(found), split.test)} of test rows share {THRESHOLD:.0%} of their strings of {length} "
    text += f"with a train row, {agree:,} with the same label"
    figures = {"test_near_train": len(found), "same_label": agree, "string_length": length, "threshold": THRESHOLD}
    return Finding("near_duplicates", len(found) > MAX_SHARE * len(split.test), text, figures)


def _near_pairs(dataset: Dataset, split: Split, length: int) -> Finding:
    """Pairs of which both halves have a near duplicate among train's; each distinct half is compared once."""
    near = np.ones(len(split.test), bool)
    for texts in (dataset.texts, dataset.seconds):
        train, test = (list(dict.fromkeys(pick(texts, rows))) for rows in (split.train, split.test))
        found = {test[number] for number in nearest(train, test, length=length)}
        near &= np.array([text in found for text in pick(texts, split.test)], bool)
    text = f"near duplicates: of {_share(int(near.sum()), split.test)} of test rows both halves share {THRESHOLD:.0%} of their strings of "
    text += f"{length} with one in train"
    figures = {"test_near_train": int(near.sum()), "string_length": length, "threshold": THRESHOLD}
    return Finding("near_duplicates", bool(near.mean() > MAX_SHARE), text, figures)


def _group_overlap(dataset: Dataset, split: Split) -> Iterator[Finding]:
    if not any(dataset.groups):
        return
    by_group: dict[str, list[Any]] = defaultdict(list)
    for row in split.train.tolist():
        by_group[dataset.groups[row]].append(repr(_label(dataset, row)))
    by_group.pop("", None)
    shared = [row for row in split.test.tolist() if dataset.groups[row] in by_group]
    text = f"groups: {_share(len(shared), split.test)} of test rows share their group with train"
    figures: dict[str, Any] = {"test_rows_in_train_groups": len(shared), "train_groups": len(by_group)}
    if shared and dataset.task.kind == "classification":
        right = sum(Counter(by_group[dataset.groups[row]]).most_common(1)[0][0] == repr(_label(dataset, row)) for row in shared)
        figures["group_majority_right"] = right / len(shared)
        text += f"; the group's most frequent label in train is right for {right / len(shared):.2%} of them"
    yield Finding("group_overlap", len(shared) > MAX_SHARE * len(split.test), text, figures)


def _contamination(dataset: Dataset, split: Split, adapter: Adapter, stores: Sequence[TokenStore]) -> Finding:
    """Test texts that pretraining saw: no held-out text is new to the model then. A regression beside the masks saw their labels too."""
    texts = list(dict.fromkeys(pick(whole_texts(dataset, adapter), split.test)))
    readings = {reading for text in texts for reading in (text, adapter.mirror(text)) if reading is not None}
    length = min(MAX_REPEAT, max(MIN_REPEAT, int(np.median([len(text) for text in texts]))))
    found = [(text, has_label) for text, has_label in _pretraining(stores) if text in readings]
    whole, labelled = {text for text, _ in found}, {text for text, has_label in found if has_label}
    seen, seen_labels = (sum(text in each or adapter.mirror(text) in each for text in texts) for each in (whole, labelled))
    letters = repeat_share((text for text, _ in _pretraining(stores)), texts, length=length, mirror=adapter.mirror)
    text = f"pretraining: {seen:,} of {len(texts):,} test texts stand in its corpus as records"
    text += f", {seen_labels:,} with a label; " if seen_labels else "; "
    text += f"{letters:.1%} of their letters lie in stretches of {length} that it holds"
    figures = {
        "test_texts_seen": seen, "test_texts_seen_with_label": seen_labels, "test_texts": len(texts), "share_of_letters_seen": letters,
        "stretch": length,
    }  # fmt: skip
    return Finding("pretraining_contamination", seen > MAX_SHARE * len(texts) or letters > 0.1, text, figures)  # noqa: PLR2004


def _pretraining(stores: Sequence[TokenStore]) -> Iterable[tuple[str, bool]]:
    """Each training text, and whether it has a label."""
    for store in stores:
        has_label = store.table["label"].is_valid().to_numpy()
        for index in store.indexes("train", views=False).tolist():
            yield store.text(index), bool(has_label[index])


def length_finding(dataset: Dataset, encoder: Encoder) -> Iterator[Finding]:
    """Texts that are longer than the model, and what becomes of them."""
    room = encoder.max_length - encoder.vocabulary.num_special
    count = sum(len(ids) > room for side in (dataset.texts, dataset.seconds) for ids in (encoder.ids(side) if side else ()))
    if count:
        text = f"length: {_share(count, np.arange(len(dataset)))} of texts are longer than the model's {encoder.max_length} tokens: "
        text += "vectors are averaged over windows; fine-tuning cuts them"
        figures = {"too_long": count, "max_length": encoder.max_length}
        yield Finding("longer_than_model", count > MAX_SHARE * len(dataset), text, figures)


def best_rule_finding(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """How far a rule of one line comes."""
    if dataset.task.kind == "regression":
        from scipy.stats import spearmanr

        lengths = [len(text) for text in pick(dataset.texts, split.test)]
        if len(set(lengths)) > 1:
            value = float(spearmanr(lengths, dataset.labels[split.test]).statistic)
            yield Finding("one_rule", abs(value) > 0.3, f"one rule: length of the text, Spearman {value:+.3f} in test", {"spearman": value})  # noqa: PLR2004
    elif dataset.task.kind == "classification":
        rule = best_rule(dataset, split)
        gain = rule.accuracy - rule.majority
        text = f"one rule: {rule.text}: {rule.accuracy:.1%} right in test (majority {rule.majority:.1%}), MCC {rule.mcc:.3f}"
        yield Finding("one_rule", gain > 0.5 * (1 - rule.majority), text, asdict(rule))  # half of what majority leaves


def _listed(dataset: Dataset, adapter: Adapter) -> Iterator[Finding]:
    """Rows that a list of known texts contradicts, such as popular sites called malicious."""
    listed = dataset.task.listed
    if not listed.file or dataset.task.kind != "classification":
        return
    known = set(_known_texts(dataset.task, adapter))
    rows = [row for row in range(len(dataset)) if dataset.texts[row] in known or (dataset.groups[row] and dataset.groups[row] in known)]
    if listed.label not in dataset.classes:
        raise CorpusError(f"task {dataset.task.name!r}: listed.label = {listed.label!r} is none of {', '.join(dataset.classes)}")
    wrong = [row for row in rows if dataset.classes[int(dataset.labels[row])] != listed.label]
    example = f", such as {dataset.texts[wrong[0]][:50]!r}" if wrong else ""
    text = f"labels: {len(wrong):,} of the {len(rows):,} rows that {Path(listed.file).name} lists are not called {listed.label!r}{example}"
    others = [row for row in range(len(dataset)) if dataset.classes[int(dataset.labels[row])] == listed.label]
    inverted = len(rows) > 0 and len(wrong) / len(rows) > 1 - len(others) / len(dataset)
    text += "; more than chance: are the labels inverted?" if inverted else ""
    yield Finding("label_sanity", bool(inverted), text, {"listed": len(rows), "contradicted": len(wrong)})


def _known_texts(task: Task, adapter: Adapter) -> Iterator[str]:
    path = Path(task.folder) / task.listed.file
    if not path.is_file():
        raise CorpusError(f"task {task.name!r}: listed.file = {task.listed.file!r}: no such file in {task.folder or '.'}")
    with Source(path) as source:
        for document in read_documents(source, Drops(), format="lines", encoding=task.reading.encoding):
            spelled = adapter.canonicalize(document.text)
            yield spelled
            if group := adapter.group(spelled):
                yield group


def _share(count: int, rows: Ints) -> str:
    return f"{count:,} of {len(rows):,} ({count / len(rows):.1%})"
