"""CoNLL-U: text with and without its comment, contractions, empty nodes, documents, faults."""

import pytest

from domainbert.adapters.base import Drops
from domainbert.corpus.conllu import is_conllu, read_conllu
from domainbert.corpus.open import open_source
from domainbert.errors import CorpusError


def row(number, form, upos="X", misc="_"):
    return "\t".join([number, form, "_", upos, *["_"] * 5, misc])


GOOD = "\n".join(
    [
        "# newdoc id = d1", "# sent_id = s1", "# text = Il parle du chat.", row("1", "Il", "PRON"), row("2", "parle", "VERB"),
        row("3-4", "du"),
        row("3", "de", "ADP"), row("4", "le", "DET"), row("5", "chat", "NOUN", "SpaceAfter=No"), row("5.1", "vide"),
        row("6", ".", "PUNCT"), "",
        "# sent_id = s2", row("1-2", "Au"), row("1", "à", "ADP"), row("2", "le", "DET"), row("3", "bois", "NOUN", "SpaceAfter=No"),
        row("4", "!", "PUNCT"), "",
    ]
)  # fmt: skip


def read(tmp_path, text):
    path, drops = tmp_path / "a.conllu", Drops()
    path.write_text(text)
    with open_source(path) as source:
        return list(read_conllu(source, drops)), drops


def test_sentences_and_the_places_of_their_words(tmp_path):
    (one, two), drops = read(tmp_path, GOOD)
    assert (one.id, one.text, one.document, two.id, two.text, two.document) == ("s1", "Il parle du chat.", "d1", "s2", "Au bois!", "d1")
    assert [(word.form, word.upos, one.text[word.start : word.end]) for word in one.words] == [
        ("Il", "PRON", "Il"), ("parle", "VERB", "parle"), ("de", "ADP", "du"), ("le", "DET", "du"), ("chat", "NOUN", "chat"),
        (".", "PUNCT", "."),
    ]  # fmt: skip
    assert [(word.start, word.end) for word in two.words] == [(0, 2), (0, 2), (3, 7), (7, 8)]
    assert not drops.counts
    assert is_conllu(GOOD.encode())
    assert not is_conllu(b"# un titre\nDu texte\n")


def test_malformed_sentences_are_counted(tmp_path):
    found, drops = read(tmp_path, GOOD + "\n1\tcourt\n\n" + row("x", "y") + "\n\n# text =\n\n" + row("1", "Fin"))
    assert [sentence.text for sentence in found] == ["Il parle du chat.", "Au bois!", "Fin"]
    assert drops.counts == {"malformed_sentence": 2, "blank": 1}
    assert drops.first["malformed_sentence"].endswith("a.conllu:20")


def test_no_sentence_at_all(tmp_path):
    with pytest.raises(CorpusError, match="there is no sentence in it"):
        read(tmp_path, "\n\n")
