"""Running text in windows: broken lines joined, paragraphs kept, long ones cut where sentences end."""

from itertools import pairwise

import pytest

from domainbert.adapters.base import Drops
from domainbert.corpus.open import open_source
from domainbert.corpus.prose import read_paragraphs, windows


def paragraphs(tmp_path, text):
    path = tmp_path / "livre.txt"
    path.write_text(text)
    with open_source(path) as source:
        return list(read_paragraphs(source, Drops()))


SENTENCE = "Les lignes de ce livre ont été coupées à soixante-dix signes environ,\n"


def test_broken_lines_are_joined_and_whole_ones_are_not(tmp_path):
    wrapped = paragraphs(tmp_path, (SENTENCE * 4 + "\n") * 5)
    assert [line for line, _ in wrapped] == [1, 6, 11, 16, 21]
    assert {text for _, text in wrapped} == {" ".join([SENTENCE.strip()] * 4)}
    assert paragraphs(tmp_path, "Un.\n\n  Deux. \nTrois.") == [(1, "Un."), (3, "Deux."), (4, "Trois.")]
    verse = "Frères humains qui après nous vivez\nN'ayez les cœurs contre nous endurcis\n\n" * 4
    assert len(paragraphs(tmp_path, verse)) == 8


@pytest.mark.parametrize("size", [50, 200, 1000])
def test_windows_hold_every_paragraph_once(size):
    texts = [f"Paragraphe {number}. " + "Une phrase de plus ! " * (number % 7) for number in range(40)]
    texts = [text.strip() for text in texts]
    found = list(windows(enumerate(texts, start=1), size))
    assert all(len(window.text) <= size for window in found)
    assert "".join("".join(window.text for window in found).split()) == "".join("".join(texts).split())
    assert all(window.start < after.start for window, after in pairwise(found))
    if size == 1000:
        assert "\n".join(window.text for window in found) == "\n".join(texts)
        whole = "\n".join(texts)
        assert all(whole[window.start :].startswith(window.text) for window in found)


def test_long_paragraphs_are_cut_at_sentences_then_words_then_anywhere():
    sentences = list(windows([(1, "Une phrase courte. " * 30)], 100))
    assert all(window.text.endswith(".") for window in sentences)
    words = list(windows([(1, "mot " * 100)], 101))
    assert {word for window in words for word in window.text.split()} == {"mot"}
    assert [len(window.text) for window in windows([(1, "x" * 250)], 100)] == [100, 100, 50]


def test_one_line_of_ten_megabytes(tmp_path):
    text = "Une phrase comme une autre. " * 360_000
    found = list(windows(paragraphs(tmp_path, text), 8192))
    assert sum(len(window.text) for window in found) > 0.99 * len(text)
    assert all(window.text.endswith(".") for window in found)
