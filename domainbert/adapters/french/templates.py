"""Sentence templates and closed classes of the built-in French corpus.

A slot in braces is a method of the writer in ``sample``: ``{S}`` chooses a subject, ``{V:thing}`` is a verb that takes things and agrees
with it, ``{it:abstract}`` is a noun phrase that becomes the subject.
"""

from collections.abc import Callable
from typing import Final

from domainbert.adapters.french import lexicon
from domainbert.adapters.french.grammar import VOWELS, Adjective, Noun, feminine

Make = Callable[[], str]

OPENINGS: Final = (
    "", "", "{adverb}, ", "ce jour-là, ", "à {town}, ", "{place}, ", "pendant {np:abstract}, ", "après {np:abstract}, ",
    "malgré {np:abstract}, ", "selon {person}, ", "en {year}, ", "le {date}, ", "vers {hour}, ", "depuis {days}, ", "sans {np:abstract}, ",
    "quand {S} {V:motion} {place}, ", "comme {S} {V:none}, ", "avant {np:abstract}, ", "faute de {np:food}, ", "chaque matin, ",
    "si le temps le permettait, ", "d'après {person}, ", "puisque {it:abstract} {V:happens}, ", "grâce à {person}, ",
)  # fmt: skip
CLAUSES: Final = (
    "{S} {V:thing} {np:thing}", "{S} {V:thing} {np:thing} de {person}", "{S} {V:person} {person}", "{S} {V:none} {adverb}",
    "{S} {V:none} {place}", "{S} {V:motion} à {town}", "{S} {V:motion} {place}", "{S} {V:saying} que {that}",
    "{S} {not:thing} {np:thing}", "{S} {not:person} {person}", "{S} {not:none} {place}", "{S} {be} {adjective}",
    "{S} {be:pas} {adjective}", "{S} {be} {adjective} et {adjective}", "{it:abstract} {V:happens} {adverb}",
    "{it:thing} {be} {adjective}", "{it:place} de {town} {be} {adjective}", "{it:animal} {V:none} {place}",
    "{S} {modal} {inf:thing} {np:thing}", "{S} {modal} {inf:person} {person}", "{S} {have} {some}", "{S} {V:thing} {some} et {some}",
    "{it:thing} {be} {participle:thing} par {person}", "on {V:saying} que {that}", "{it:abstract} de {person} {V:happens} {days}",
    "{it:animal} de {person} {not:none} {adverb}", "le prix {be} de {price}", "la population {be} de {number} habitants",
    "{S} {V:thing} {np:thing} à {person}",
)  # fmt: skip
CLOSINGS: Final = (
    "", "", "", " avec {person}", " sans {np:abstract}", " {place}", " pour {inf:thing} {np:thing}", " parce que {S} {V:none}",
    " et {V:none}", " mais {S} {not:thing} {np:thing}", " depuis {days}", " à cause de {np:abstract}", ", {adverb}", " comme {person}",
    " jusqu'à {hour}", " contre {price}", ", et {it:abstract} {V:happens}", " près de {town}", " tandis que {S} {V:thing} {np:thing}",
    " ; {it:animal} {V:none}", " : {it:abstract} {be} {adjective}", ", soit {percent} de plus", " lorsque {S} {V:motion}",
    " en {year}", " où {S} {V:person} {person}",
)  # fmt: skip
INNER: Final = (
    "{S} {V:thing} {np:thing}", "{it:abstract} {V:happens}", "{S} {V:person} {person}", "{S} {be} {adjective}", "{S} {V:motion} à {town}",
    "{it:thing} {be} {adjective}", "{S} {not:none}", "{it:place} {be} {adjective}",
)  # fmt: skip
_NUM: Final = len(OPENINGS) * len(CLAUSES) * len(CLOSINGS)
_STRIDE: Final = 7919  # a prime that does not divide their number: visits every template once
_SHARED_FROM: Final = _NUM // 2

DETERMINERS: Final = ("le", "le", "le", "un", "un", "son", "ce")
BEFORE_VOWEL: Final = {"beau": "bel", "vieux": "vieil", "nouveau": "nouvel"}
MONTHS: Final = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
_FORMS: Final = {  # masculine, feminine, plural
    "le": ("le", "la", "les"),
    "un": ("un", "une", "des"),
    "son": ("son", "sa", "ses"),
    "ce": ("ce", "cette", "ces"),
}


def own(number: int) -> str:
    """A template of one group: the same number gives the same one, other numbers give others."""
    return _template(number * _STRIDE % _NUM)


def shared(number: int) -> str:
    """A template of all groups."""
    return _template((_SHARED_FROM + number) * _STRIDE % _NUM)


def determiner(kind: str, is_feminine: bool, many: bool, following: str) -> str:
    """``le``, ``un``, ``son`` or ``ce`` as the next word wants it, before elision."""
    form = _FORMS[kind][2 if many else 1 if is_feminine else 0]
    if not many and following[0] in VOWELS:
        return {"sa": "son", "ce": "cet"}.get(form, form)
    return form


def _template(number: int) -> str:
    rest, opening = divmod(number, len(OPENINGS))
    closing, clause = divmod(rest, len(CLAUSES))
    return OPENINGS[opening] + CLAUSES[clause] + CLOSINGS[closing]


def _nouns(masculine: str, feminine_words: str) -> list[Noun]:
    """Both genders in one ranking."""
    ranked = [(rank, Noun(_marked(word), False)) for rank, word in enumerate(masculine.split())]
    ranked += [(rank, Noun(_marked(word), True)) for rank, word in enumerate(feminine_words.split())]
    return [noun for _, noun in sorted(ranked, key=lambda pair: (pair[0], pair[1].feminine))]


def _marked(word: str) -> str:
    """The star of an aspirated h in front, where elision sees it."""
    return "*" + word.replace("*", "") if "*" in word else word


def _adjectives() -> list[Adjective]:
    found = []
    for words, before in ((lexicon.ADJECTIVES_BEFORE, True), (lexicon.ADJECTIVES, False)):
        for word in words.split():
            masculine, _, other = _marked(word).partition("/")
            found.append(Adjective(masculine, other or feminine(masculine), before))
    return found


NOUNS: Final = {
    "animal": _nouns(lexicon.ANIMALS_M, lexicon.ANIMALS_F),
    "thing": _nouns(lexicon.THINGS_M, lexicon.THINGS_F),
    "place": _nouns(lexicon.PLACES_M, lexicon.PLACES_F),
    "abstract": _nouns(lexicon.ABSTRACT_M, lexicon.ABSTRACT_F),
    "food": _nouns(lexicon.FOOD_M, lexicon.FOOD_F),
}
ADJECTIVES: Final = _adjectives()
PEOPLE: Final = lexicon.PEOPLE.split()
ADVERBS: Final = [adverb.replace("*", "") for adverb in lexicon.ADVERBS.split()]
VERBS: Final = {
    "thing": lexicon.TAKES_THING.split(),
    "person": lexicon.TAKES_PERSON.split(),
    "none": lexicon.WITHOUT_OBJECT.split(),
    "motion": lexicon.MOTION.split(),
    "saying": lexicon.SAYING.split(),
    "happens": lexicon.HAPPENS.split(),
}
