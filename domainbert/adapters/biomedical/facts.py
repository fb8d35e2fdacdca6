"""What the sentences of one sample abstract agree on: names, counts, doses, units, sex, and ways of writing."""

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from domainbert.adapters.biomedical import templates
from domainbert.adapters.biomedical.lexicon import ANALYTES, ENDINGS, PLACES, UNITS, Disease, Drug, Names

T = TypeVar("T")

WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
PERIODS = (
    "24 hours|48 hours|7 days|10 days|2 weeks|4 weeks|6 weeks|8 weeks|12 weeks|24 weeks|3 months|6 months|12 months|18 months|"
    "2 years|3 years|5 years|10 years"
)
RATIOS = (("odds ratio", "OR"), ("hazard ratio", "HR"), ("relative risk", "RR"))
PLURALS = {"family": "families"}
VERBS = {"was": "were"}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
AMINO_ACIDS = "Ala Arg Asn Asp Cys Gln Glu Gly His Ile Leu Lys Met Phe Pro Ser Thr Trp Tyr Val".split()

_SLOT = re.compile(r"<([A-Za-z]+)(\d?)(?::([a-z]+))?>|@([a-z]+)")


class _Dice(Protocol):
    def below(self, size: int) -> int: ...
    def happens(self, share: float) -> bool: ...
    def pick(self, items: Sequence[T]) -> T: ...
    def zipf(self, items: Sequence[T]) -> T: ...


class Facts:
    """The facts of one document. A slot that was filled once keeps its value, except for measurements."""

    def __init__(self, dice: _Dice, own: Names, shared: Names, *, own_share: float) -> None:
        self.dice, self.own, self.shared, self.own_share = dice, own, shared, own_share
        self.values: dict[str, str] = {}
        self.diseases = [self._name("diseases", Disease) for _ in range(2)]
        self.drugs = [self._name("drugs", Drug) for _ in range(2)]
        self.genes = [self._name("genes", str) for _ in range(2)]
        self.procedures = [self._name("procedures", str) for _ in range(2)]
        self.introduced: set[str] = set()
        self.plural = False
        self._count()
        self._style()

    def fill(self, text: str, *, title: bool = False) -> str:
        """A sentence with its slots filled and its verbs agreeing.

        Args:
            text: of a template, with its choices made.
            title: names are written out, and not counted as mentioned.
        """

        def replace(match: re.Match[str]) -> str:
            if match[4] == "a":
                return "An" if self._fixed("age", "").startswith(("8", "11", "18")) else "A"
            if match[4]:
                return VERBS[match[4]] if self.plural else match[4]
            value = self._value(match[1], match[2], match[3] or "", starts=not match.start(), title=title)
            return value[:1].upper() + value[1:] if match[1][0].isupper() and match[1] != "N" else value

        sentence = _SLOT.sub(replace, text)
        return sentence[:1].upper() + sentence[1:] if sentence[:1].islower() and not sentence.startswith("p.") else sentence

    def _name(self, kind: str, _type: type[T]) -> T:
        names = self.own if self.dice.happens(self.own_share) else self.shared
        found: T = self.dice.zipf(getattr(names, kind))
        return found

    def _count(self) -> None:
        """How many were studied, in which arms, and how many of them had an event."""
        dice = self.dice
        first = 8 + dice.below(dice.pick((20, 60, 200, 900)))
        second = max(5, first - 5 + dice.below(11))
        events = 1 + dice.below(first - 1), 1 + dice.below(second - 1)
        self.counts = {"N": first + second, "n1": first, "n2": second, "n3": events[0], "n4": events[1]}
        shares = (events[0] / first, events[1] / second, events[0] / (first + second))
        self.shares = [f"{100 * share:.1f}" if first > 100 else str(int(100 * share + 0.5)) for share in shares]  # noqa: PLR2004

    def _style(self) -> None:
        """Ways of writing that a document keeps to."""
        dice = self.dice
        self.p = dice.pick(("P", "p"))
        self.dash = dice.pick(("-", "–", " to "))
        self.spaced = dice.happens(0.6)
        self.periods = [dice.pick(PERIODS.split("|")) for _ in range(2)]
        self.ratio = dice.pick(RATIOS)
        self.female = dice.happens(0.5)
        self.decimals = dice.below(2)
        self.scale = dice.pick((2, 9, 40, 180))

    def _value(self, slot: str, number: str, noun: str, *, starts: bool, title: bool) -> str:
        name = slot.lower()
        if name in ("n", "k"):
            return self._number(slot, number, noun, starts=starts)
        maker = getattr(self, f"_make_{name}", None)
        if maker is None:
            return self._fixed(name, number)
        value: str = maker(2 if number == "2" else 1, title)
        return value

    def _number(self, slot: str, number: str, noun: str, *, starts: bool) -> str:
        if slot in ("k", "K"):
            value = 1 + self.dice.below(9)
        else:
            value = self.counts[f"{slot}{number}"]
        if noun or slot in ("k", "K"):
            self.plural = value > 1
        written = in_words(value) if starts or (value < 10 and slot in ("k", "K")) else f"{value:,}"  # noqa: PLR2004  # as style guides say
        return f"{written} {noun if value == 1 else PLURALS.get(noun, noun + 's')}" if noun else written

    def _make_disease(self, which: int, title: bool) -> str:
        disease = self.diseases[which - 1]
        if title:
            return disease.name
        if disease.short in self.introduced:
            return disease.short if self.dice.happens(0.75) else disease.name
        self.introduced.add(disease.short)
        return f"{disease.name} ({disease.short})"

    def _make_short(self, which: int, title: bool) -> str:
        disease = self.diseases[which - 1]
        return disease.short if disease.short in self.introduced else disease.name

    def _make_drug(self, which: int, title: bool) -> str:
        return self.drugs[which - 1].name

    def _make_drugkind(self, which: int, title: bool) -> str:
        return self.drugs[0].kind

    def _make_gene(self, which: int, title: bool) -> str:
        return self.genes[which - 1]

    def _make_procedure(self, which: int, title: bool) -> str:
        return self.procedures[which - 1]

    def _make_organ(self, which: int, title: bool) -> str:
        return self.diseases[0].organ

    def _make_period(self, which: int, title: bool) -> str:
        return self.dice.pick(self.periods)

    def _make_p(self, which: int, title: bool) -> str:
        sign, value = self.dice.pick((("<", "0.001"), ("<", "0.01"), ("<", "0.05"), ("=", "0.0"), ("=", "0."), (">", "0.05")))
        digits = "" if sign != "=" else str(1 + self.dice.below(9)) + (str(self.dice.below(10)) if value == "0." else "")
        blank = " " if self.spaced else ""
        return f"{self.p}{blank}{sign}{blank}{value}{digits}"

    def _make_ci(self, which: int, title: bool) -> str:
        low = 0.3 + self.dice.below(25) / 10
        return f"95% CI, {low:.1f}{self.dash}{low + 0.4 + self.dice.below(30) / 10:.1f}"

    def _make_ratio(self, which: int, title: bool) -> str:
        long, short = self.ratio
        name = short if long in self.introduced else f"{long} [{short}]"
        self.introduced.add(long)
        value = 0.6 + self.dice.below(30) / 10
        return f"{name}, {value:.1f}; 95% CI, {value * 0.7:.1f}{self.dash}{value * 1.5:.1f}"

    def _make_v(self, which: int, title: bool) -> str:
        return self._measurement(self.scale)

    def _make_s(self, which: int, title: bool) -> str:
        return self._measurement(self.scale / 4)

    def _measurement(self, scale: float) -> str:
        value = scale * (0.4 + self.dice.below(100) / 60)
        return f"{value:.{self.decimals}f}" if value >= 1 else f"{value:.2f}"

    def _make_r(self, which: int, title: bool) -> str:
        return f"0.{21 + self.dice.below(77)}"

    def _make_lod(self, which: int, title: bool) -> str:
        return f"{1 + self.dice.below(9)}.{10 + self.dice.below(90)}"

    def _make_pc(self, which: int, title: bool) -> str:
        return self.shares[which - 1]

    def _make_exp(self, which: int, title: bool) -> str:
        return str(3 + self.dice.below(7)).translate(RAISED)

    def _make_he(self, which: int, title: bool) -> str:
        return "she" if self.female else "he"

    def _make_his(self, which: int, title: bool) -> str:
        return "her" if self.female else "his"

    def _make_him(self, which: int, title: bool) -> str:
        return "her" if self.female else "him"

    def _fixed(self, name: str, number: str) -> str:
        """A value that is drawn once for the document."""
        if name + number not in self.values:
            self.values[name + number] = self._drawn(name, number)
        return self.values[name + number]

    def _drawn(self, name: str, number: str) -> str:
        dice = self.dice
        if name == "year":
            self.values["year1"], self.values["year2"] = (str(year) for year in sorted((1985 + dice.below(20), 2003 + dice.below(20))))
            return self.values["year" + number]
        lists = {
            "analyte": [analyte.replace("_", " ") for analyte in ANALYTES],
            "unit": UNITS,
            "sideeffect": [effect.replace("|", " ") for effect in templates.SIDE_EFFECTS],
            "group": [group.replace("|", " ") for group in templates.GROUPS],
            "person": ["woman", "girl"] if self.female else ["man", "boy"],
            "aa": AMINO_ACIDS,
            "allele": list("ACGT"),
            "arm": [f"{arm}{1 + dice.below(3)}{dice.below(6)}" for arm in "pq"],
            "conc": ["nM", "µM", "mM"],
            "city": [dice.pick(PLACES) + dice.pick(ENDINGS)],
        }
        if name in lists:
            return dice.zipf(lists[name]) if name in ("analyte", "sideeffect") else dice.pick(lists[name])
        numbers = {"age": (18, 70), "hours": (2, 70), "mm": (4, 80), "pos": (12, 900), "chr": (1, 22), "exons": (3, 30)}
        if name in numbers:
            low, size = numbers[name]
            return str(low + dice.below(size))
        if name == "dose":
            amount = dice.pick((5, 10, 20, 25, 40, 50, 75, 100, 150, 200, 400, 500))
            return f"{amount} {dice.pick(('mg', 'mg', 'µg', 'mg/kg', 'mg/m²', 'IU'))}"
        if name == "smalldose":
            return f"{dice.pick((1, 2, 5, 10, 20, 50, 100))} {dice.pick(('nM', 'µM', 'µg/mL', 'ng/mL', 'mg/kg'))}"
        assert name == "mant", name
        return f"{1 + dice.below(9)}"


def in_words(value: int) -> str:
    """A number below a hundred in words, a larger one in figures."""
    if value >= 100:  # noqa: PLR2004
        return f"{value:,}"
    if value < len(WORDS):
        return WORDS[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f"-{WORDS[ones]}" if ones else "")
