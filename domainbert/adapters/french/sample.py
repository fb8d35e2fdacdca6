"""The built-in French corpus: short texts that grammars write, about people, places and things that a group of them shares.

What a model can learn, from near to far:

* unigram: words by Zipf's law, each group with favourites of its own;
* local: elision and contraction, agreement of determiners, adjectives and participles, forms of irregular verbs, government;
* a sentence: agreement of verbs with subjects across clauses, negation, sequence of tenses;
* a text: people come back by first name, title and surname or pronoun, societies by their initials, sums and years as they were.

A sentence is an opening, a clause and a closing: 17,400 templates, of which a group has thirty of its own. Names belong to one
group too. So a held-out group brings templates and names that training never saw. Only uniform doubles of NumPy's PCG64 are drawn,
so that every platform writes the same text.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Generic, TypeVar

import numpy as np

from domainbert.adapters.base import Record
from domainbert.adapters.french import grammar, lexicon, templates
from domainbert.adapters.french.grammar import FUTURE, IMPERFECT, IT, ME, PAST, PERFECT, PLUPERFECT, PRESENT, THEY, Noun

SEED = 20261124
NUM_GROUPS = 200
TEXTS = (10, 16)  # of a group
OWN_TEMPLATES = 30  # of a group, never of another one
SHARED_TEMPLATES = 60
OWN_SHARE = 0.5  # of sentences in a group's own templates
FAVOURITES = 0.25  # of the words of a class that a group prefers, FAVOUR times
FAVOUR = 6.0
ZIPF_SHIFT = 2.7  # Mandelbrot's: the weight of rank r is 1 / (r + 2.7)

T = TypeVar("T")


def generate() -> Iterator[Record]:
    """Every text as a record, group by group: the same ones each time."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    names = _Names(_Draws(rng))
    for number in range(NUM_GROUPS):
        # A group has a generator of its own, so that a change in one leaves the others as they are.
        draws = _Draws(np.random.Generator(np.random.PCG64([SEED, number])))
        story = _Story(draws, names, number)
        for text in range(draws.between(*TEXTS)):
            meta = {"file": "sample", "kind": story.kind}
            yield Record(f"fr{number:03d}-{text:02d}", story.text(), f"group{number:03d}", meta)


class _Draws:
    """Draws from one stream of uniform doubles."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._block: list[float] = []

    def uniform(self) -> float:
        if not self._block:
            self._block = self._rng.random(1024).tolist()[::-1]
        return self._block.pop()

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.uniform() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.uniform() < share

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.uniform() * len(choices))]


class _Zipf(Generic[T]):
    """Words of a class, drawn by rank; a group's favourites more often."""

    def __init__(self, words: Sequence[T], draws: _Draws) -> None:
        weights = [(FAVOUR if draws.chance(FAVOURITES) else 1.0) / (rank + ZIPF_SHIFT) for rank in range(len(words))]
        self.words, self._sums, self._draws = words, list(accumulate(weights)), draws

    def __call__(self) -> T:
        return self.words[bisect(self._sums, self._draws.uniform() * self._sums[-1])]


@dataclass(frozen=True, slots=True)
class _Person:
    first: str
    last: str
    feminine: bool
    profession: str

    @property
    def whole(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def formal(self) -> str:
        return f"{'Mme' if self.feminine else 'M.'} {self.last}"


class _Names:
    """Names that are given once."""

    def __init__(self, draws: _Draws) -> None:
        self._draws, self._given = draws, set[str]()

    def surname(self) -> str:
        parts = lexicon.SURNAME_STARTS.split(), lexicon.SURNAME_MIDDLES.split(), lexicon.SURNAME_ENDS.split()
        return self._new(lambda: "".join(self._draws.pick(part) for part in parts))

    def town(self) -> str:
        return self._new(self._town)

    def _town(self) -> str:
        name = self._draws.pick(lexicon.TOWN_STARTS.split()) + self._draws.pick(lexicon.TOWN_ENDS.split())
        return f"{name}-sur-{self._draws.pick(lexicon.RIVERS.split())}" if self._draws.chance(0.5) else name

    def _new(self, make: "templates.Make") -> str:
        while (name := make()) in self._given:
            pass
        self._given.add(name)
        return name


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a verb agrees with."""

    person: int
    feminine: bool = False

    @property
    def agreement(self) -> str:
        return ("e" if self.feminine else "") + ("s" if self.person == THEY else "")


_SLOT: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TENSES: Final = {"tale": (PAST, IMPERFECT), "news": (PERFECT, PRESENT), "letter": (PERFECT, IMPERFECT), "chronicle": (PRESENT, FUTURE)}


class _Story:
    """What the texts of a group share, and the writing of them."""

    def __init__(self, draws: _Draws, names: _Names, number: int) -> None:
        self.draws = draws
        self.kind = list(_TENSES)[number % len(_TENSES)]
        self.nouns = {name: _Zipf(nouns, draws) for name, nouns in templates.NOUNS.items()}
        self.verbs = {name: _Zipf(verbs, draws) for name, verbs in templates.VERBS.items()}
        self.people, self.adverbs = _Zipf(templates.PEOPLE, draws), _Zipf(templates.ADVERBS, draws)
        self.adjectives = _Zipf(templates.ADJECTIVES, draws)
        self.cast = [self._new_person(names) for _ in range(draws.between(4, 6))]
        self.towns = [names.town() for _ in range(draws.between(2, 4))]
        self.year = draws.between(1830, 2024)
        plural = grammar.plural(self.nouns["thing"]().word)
        society = f"{draws.pick(('Société', 'Compagnie', 'Coopérative', 'Union', 'Fédération'))} des {plural} de {self.towns[0]}"
        initials = "".join(word[0].upper() for word in re.findall(r"\w+", society) if word not in ("des", "de", "sur"))
        self.society = (grammar.spelled(society), initials)
        self.own = [templates.own(number * OWN_TEMPLATES + index) for index in range(OWN_TEMPLATES)]
        self.typographic = draws.chance(0.5)

    def text(self) -> str:
        """One text of several paragraphs."""
        draws = self.draws
        self.known: set[str] = set()
        self.last: _Person | None = None
        self.sum = draws.between(2, 9000)
        paragraphs = [" ".join(self._sentence() for _ in range(draws.between(2, 5))) for _ in range(draws.between(2, 4))]
        if self.kind == "letter":
            paragraphs[0] = f"{self.draws.pick(('Cher', 'Mon cher'))} {self.draws.pick(lexicon.MEN.split())},\n{paragraphs[0]}"
            paragraphs[-1] += f"\n{self.draws.pick(('Bien à vous,', 'Votre ami,', 'Affectueusement,'))}\n{self.draws.pick(self.cast).first}"
        if self.kind == "tale" and draws.chance(0.7):
            paragraphs.insert(1, self._dialogue())
        return self._typeset("\n".join(paragraphs))

    def _sentence(self, tense: int | None = None) -> str:
        draws = self.draws
        template = draws.pick(self.own) if draws.chance(OWN_SHARE) else templates.shared(draws.between(0, SHARED_TEMPLATES - 1))
        main, other = _TENSES[self.kind]
        self.tense = (main if draws.chance(0.7) else other) if tense is None else tense
        self.subject = _Subject(IT)
        text = grammar.spelled(" ".join(_SLOT.sub(self._fill, template).split()).replace(" ,", ","))
        return text[0].upper() + text[1:] + "."

    def _dialogue(self) -> str:
        lines = []
        for _ in range(self.draws.between(2, 4)):
            speaker = self.draws.pick(self.cast)
            pronoun = "elle" if speaker.feminine else "il"
            verb = self.draws.pick(("demanda", "répondit", "dit", "cria", "murmura", "ajouta"))
            link = "-t-" if verb.endswith("a") else "-"
            mark, end = self.draws.pick(((" ?", "."), (" !", "."), (",", ".")))
            said = f"{verb}{link}{pronoun}" if self.draws.chance(0.5) else f"{verb} {speaker.first}"
            lines.append(f"— {self._sentence(PRESENT)[:-1]}{mark} {said}{end}")
        return "\n".join(lines)

    def _typeset(self, text: str) -> str:
        """One half of the groups as a printer sets them, with typographic apostrophes and no-break spaces."""
        if not self.typographic:
            return text
        return re.sub(r" (?=[?!:;»%€])|(?<=«) |(?<=\d) (?=\d{3})", "\u00a0", text).replace("'", "\u2019")

    def _fill(self, match: re.Match[str]) -> str:
        """What a slot of a template stands for; methods are named after slots."""
        name, argument = match.groups()
        filled: str = getattr(self, f"_slot_{name}")(*([argument] if argument else []))
        return filled

    def _new_person(self, names: _Names) -> _Person:
        feminine = self.draws.chance(0.5)
        first = self.draws.pick((lexicon.WOMEN if feminine else lexicon.MEN).split())
        masculine_word, _, feminine_word = self.people().partition("/")
        return _Person(first, names.surname(), feminine, (feminine_word or masculine_word) if feminine else masculine_word)

    # Slots: people and subjects

    def _slot_S(self) -> str:
        """A subject for what follows: someone of the cast, a profession, or the narrator."""
        if self.kind == "letter" and self.draws.chance(0.35):
            self.subject, self.last = _Subject(ME), None
            return "je"
        if self.draws.chance(0.7):
            return self._cast_subject()
        if self.kind in ("news", "chronicle") and self.draws.chance(0.3):
            self.subject, self.last = _Subject(IT, feminine=True), None
            return "la " + self._slot_society()
        many = self.draws.chance(0.3)
        noun = self._profession()
        self.subject, self.last = _Subject(THEY if many else IT, noun.feminine), None
        return self._phrase(noun, many=many, determiner="le")

    def _cast_subject(self) -> str:
        person = self.draws.pick(self.cast)
        if self.last is not None and self.draws.chance(0.45):
            self.subject = _Subject(IT, self.last.feminine)
            return "elle" if self.last.feminine else "il"
        self.last, self.subject = person, _Subject(IT, person.feminine)
        return self._named(person)

    def _named(self, person: _Person) -> str:
        """In full when first met, then shorter."""
        if person.last not in self.known:
            self.known.add(person.last)
            article = "la" if person.feminine else "le"
            return f"{person.whole}, {article} {person.profession}," if self.draws.chance(0.5) else person.whole
        return self.draws.pick((person.first, person.formal, person.formal, f"{'la' if person.feminine else 'le'} {person.profession}"))

    def _slot_person(self) -> str:
        if self.draws.chance(0.6):
            return self._named(self.draws.pick(self.cast)).rstrip(",")
        return self._phrase(self._profession(), many=self.draws.chance(0.3))

    def _slot_society(self) -> str:
        """In full with its initials when first met, then its initials."""
        whole, initials = self.society
        if initials in self.known:
            return initials
        self.known.add(initials)
        return f"{whole} ({initials})"

    def _profession(self) -> Noun:
        masculine_word, _, feminine_word = self.people().partition("/")
        is_feminine = self.draws.chance(0.45)
        return Noun((feminine_word or masculine_word) if is_feminine else masculine_word, is_feminine)

    # Slots: verbs

    def _slot_V(self, kind: str) -> str:
        return self._verb(self._infinitive(kind), kind)

    def _slot_not(self, kind: str) -> str:
        """A negated verb."""
        particle = self.draws.pick(("pas", "pas", "pas", "plus", "jamais"))
        return "ne " + self._verb(self._infinitive(kind), kind, inner=particle)

    def _slot_be(self, particle: str = "") -> str:
        return ("ne " if particle else "") + self._verb("être", "", inner=particle)

    def _slot_have(self) -> str:
        return self._verb("avoir", "")

    def _slot_modal(self) -> str:
        return self._verb(self.draws.pick(("vouloir", "pouvoir", "devoir")), "")

    def _slot_inf(self, kind: str) -> str:
        return self._infinitive(kind)

    def _slot_participle(self, kind: str) -> str:
        participle = grammar.participle(self._infinitive(kind))
        return participle + (self.subject.agreement if not participle.endswith("s") else self.subject.agreement.rstrip("s"))

    def _infinitive(self, kind: str) -> str:
        return self.verbs[kind]()

    def _verb(self, verb: str, kind: str, inner: str = "") -> str:
        person, agreement = self.subject.person, self.subject.agreement
        return grammar.conjugate(verb, self.tense, person, motion=kind == "motion", agreement=agreement, inner=inner)

    def _slot_that(self) -> str:
        """A clause of its own behind ``que``, in the tense that follows from the main one."""
        outer = self.tense
        self.tense = {PAST: PLUPERFECT, PERFECT: IMPERFECT, IMPERFECT: PLUPERFECT}.get(outer, PRESENT)
        clause = _SLOT.sub(self._fill, self.draws.pick(templates.INNER))
        self.tense = outer
        return clause

    # Slots: things, qualities and places

    def _slot_it(self, kind: str) -> str:
        """A noun phrase that the next verb agrees with."""
        noun, many = self.nouns[kind](), self.draws.chance(0.25)
        self.subject, self.last = _Subject(THEY if many else IT, noun.feminine), None
        return self._phrase(noun, many=many, determiner="le")

    def _slot_np(self, kind: str) -> str:
        noun = self.nouns[kind]()
        return self._phrase(noun, many=self.draws.chance(0.25))

    def _slot_some(self) -> str:
        """Food, by the piece or the measure."""
        noun = self.nouns["food"]()
        partitive = "de la" if noun.feminine else "de le"
        return f"{partitive} {noun.word}" if self.draws.chance(0.5) else f"{self._slot_quantity()} de {noun.word}"

    def _slot_adjective(self) -> str:
        adjective = self.adjectives()
        word = adjective.feminine if self.subject.feminine else adjective.masculine
        return grammar.plural(word) if self.subject.person == THEY else word

    def _phrase(self, noun: Noun, *, many: bool, determiner: str = "") -> str:
        """Determiner, adjectives and noun, in agreement."""
        adjective = self.adjectives() if self.draws.chance(0.35) else None
        word = grammar.plural(noun.word) if many else noun.word
        words = [word]
        if adjective is not None:
            form = adjective.feminine if noun.feminine else adjective.masculine
            if adjective.before and not many and not noun.feminine and word[0] in grammar.VOWELS:
                form = templates.BEFORE_VOWEL.get(form, form)
            form = grammar.plural(form) if many else form
            words = [form, word] if adjective.before else [word, form]
        kind = determiner if determiner and self.draws.chance(0.6) else self.draws.pick(templates.DETERMINERS)
        return f"{templates.determiner(kind, noun.feminine, many, words[0])} {' '.join(words)}"

    def _slot_place(self) -> str:
        preposition = self.draws.pick(("dans", "devant", "derrière", "près de", "à", "vers", "loin de", "au-delà de"))
        return f"{preposition} {self._phrase_of('place')}"

    def _phrase_of(self, kind: str) -> str:
        noun = self.nouns[kind]()
        return self._phrase(noun, many=False, determiner="le")

    def _slot_town(self) -> str:
        return self.draws.pick(self.towns)

    def _slot_adverb(self) -> str:
        return self.adverbs()

    # Slots: numbers and times

    def _slot_quantity(self) -> str:
        number = self.sum if self.draws.chance(0.5) else self.draws.between(2, 99)
        unit = self.draws.pick(("kg", "litres", "tonnes", "caisses", "sacs", "km", "mètres", "douzaines"))
        return f"{_grouped(number)} {unit}"

    def _slot_number(self) -> str:
        return _grouped(self.sum)

    def _slot_price(self) -> str:
        cents = f",{self.draws.between(1, 9)}0" if self.draws.chance(0.3) else ""
        return f"{_grouped(self.sum)}{cents} {'€' if self.year > 2001 else 'francs'}"  # noqa: PLR2004  # the year before the euro's coins

    def _slot_percent(self) -> str:
        return f"{self.draws.between(1, 99)} %"

    def _slot_year(self) -> str:
        return str(self.year if self.draws.chance(0.6) else self.year + self.draws.between(-12, 12))

    def _slot_date(self) -> str:
        day, month = self.draws.between(1, 28), self.draws.pick(templates.MONTHS)
        year = f" {self._slot_year()}" if self.draws.chance(0.5) else ""
        return f"{'1er' if day == 1 else day} {month}{year}"

    def _slot_hour(self) -> str:
        return f"{self.draws.between(2, 23)} heures{self.draws.pick(('', '', ' et demie', ' moins le quart'))}"

    def _slot_days(self) -> str:
        number, unit = ("deux", "trois", "cinq", "dix", "quinze", "vingt"), ("jours", "mois", "ans", "heures")
        return f"{self.draws.pick(number)} {self.draws.pick(unit)}"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
