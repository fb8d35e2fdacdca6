"""Inflection of the built-in French corpus: plurals, feminines, verb forms, elision and contraction."""

import re
from dataclasses import dataclass
from typing import Final

ME, IT, THEY = range(3)  # je, il or elle, ils or elles
PRESENT, IMPERFECT, PAST, FUTURE, CONDITIONAL, PERFECT, PLUPERFECT = range(7)
VOWELS: Final = "aàâeéèêëiîïoôuùûyæœhAÀÂEÉÈÊIÎOÔUÙYŒH"  # a mute h counts; an aspirated one is marked by the * before it

_ENDINGS: Final = {
    IMPERFECT: ("ais", "ait", "aient"),
    FUTURE: ("ai", "a", "ont"),
    CONDITIONAL: ("ais", "ait", "aient"),
}
_PAST: Final = {
    "a": ("ai", "a", "èrent"),
    "i": ("is", "it", "irent"),
    "u": ("us", "ut", "urent"),
    "in": ("ins", "int", "inrent"),
}
# je, il, ils of the present; stem of the imperfect; stem and vowel of the simple past; stem of the future; participle. A verb is read by
# the longest entry that ends it; what is before that is a prefix.
_IRREGULAR: Final = {
    name: forms.split()
    for name, forms in {
        "être": "suis est sont ét f u ser été",
        "avoir": "ai a ont av e u aur eu",
        "aller": "vais va vont all all a ir allé",
        "faire": "fais fait font fais f i fer fait",
        "dire": "dis dit disent dis d i dir dit",
        "perdre": "perds perd perdent perd perd i perdr perdu",
        "endre": "ends end endent end end i endr endu",
        "ondre": "onds ond ondent ond ond i ondr ondu",
        "nvoyer": "nvoie nvoie nvoient nvoy nvoy a nverr nvoyé",
        "crire": "cris crit crivent criv criv i crir crit",
        "lire": "lis lit lisent lis l u lir lu",
        "rire": "ris rit rient ri r i rir ri",
        "prendre": "prends prend prennent pren pr i prendr pris",
        "mettre": "mets met mettent mett m i mettr mis",
        "voir": "vois voit voient voy v i verr vu",
        "savoir": "sais sait savent sav s u saur su",
        "pouvoir": "peux peut peuvent pouv p u pourr pu",
        "vouloir": "veux veut veulent voul voul u voudr voulu",
        "devoir": "dois doit doivent dev d u devr dû",
        "recevoir": "reçois reçoit reçoivent recev reç u recevr reçu",
        "tenir": "tiens tient tiennent ten t in tiendr tenu",
        "venir": "viens vient viennent ven v in viendr venu",
        "couvrir": "couvre couvre couvrent couvr couvr i couvrir couvert",
        "ouvrir": "ouvre ouvre ouvrent ouvr ouvr i ouvrir ouvert",
        "offrir": "offre offre offrent offr offr i offrir offert",
        "souffrir": "souffre souffre souffrent souffr souffr i souffrir souffert",
        "suivre": "suis suit suivent suiv suiv i suivr suivi",
        "aindre": "ains aint aignent aign aign i aindr aint",
        "eindre": "eins eint eignent eign eign i eindr eint",
        "aître": "ais aît aissent aiss _ u aîtr _u",
        "boire": "bois boit boivent buv b u boir bu",
        "croire": "crois croit croient croy cr u croir cru",
        "vaincre": "vaincs vainc vainquent vainqu vainqu i vaincr vaincu",
        "courir": "cours court courent cour cour u courr couru",
        "cueillir": "cueille cueille cueillent cueill cueill i cueiller cueilli",
        "dormir": "dors dort dorment dorm dorm i dormir dormi",
        "partir": "pars part partent part part i partir parti",
        "sortir": "sors sort sortent sort sort i sortir sorti",
        "jeter": "jette jette jettent jet jet a jetter jeté",
        "peler": "pelle pelle pellent pel pel a peller pelé",
    }.items()
}
_INVARIABLE: Final = ("s", "x", "z")
_ALS: Final = frozenset({"bal", "carnaval", "festival", "naval", "natal", "fatal"})


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun and its gender."""

    word: str
    feminine: bool


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective in its two genders, and whether it stands before its noun."""

    masculine: str
    feminine: str
    before: bool = False


def plural(word: str) -> str:
    """The plural of a noun or an adjective."""
    if word.endswith(_INVARIABLE):
        return word
    if word.endswith("al") and word not in _ALS:
        return word[:-1] + "ux"
    if word in ("travail", "vitrail"):
        return word[:-2] + "ux"
    return word + ("x" if word.endswith(("eau", "eu", "œu")) or word in ("bijou", "hibou", "chou") else "s")


def feminine(word: str) -> str:
    """The regular feminine of an adjective."""
    for ending, other in (("eux", "euse"), ("if", "ive"), ("er", "ère"), ("el", "elle"), ("en", "enne"), ("on", "onne"), ("et", "ette")):
        if word.endswith(ending):
            return word[: -len(ending)] + other
    return word if word.endswith("e") else word + "e"


def conjugate(verb: str, tense: int, person: int, *, motion: bool = False, agreement: str = "", inner: str = "") -> str:
    """A form of a verb.

    Args:
        verb: its infinitive.
        tense: of this module.
        person: of this module.
        motion: whether its perfect is formed with ``être``.
        agreement: what the participle of such a verb ends in: ``""``, ``e``, ``s``, ``es``.
        inner: what stands behind the conjugated word, such as the ``pas`` of a negation.
    """
    if tense in (PERFECT, PLUPERFECT):
        helper = _simple("être" if motion else "avoir", PRESENT if tense == PERFECT else IMPERFECT, person)
        return f"{helper} {inner + ' ' if inner else ''}{participle(verb)}{agreement if motion else ''}"
    return _simple(verb, tense, person) + (f" {inner}" if inner else "")


def participle(verb: str) -> str:
    """The past participle, masculine singular."""
    prefix, forms = _forms(verb)
    return prefix + forms[7].replace("_", "") if forms else verb[:-2] + ("é" if verb.endswith("er") else "i")


def _simple(verb: str, tense: int, person: int) -> str:
    prefix, forms = _forms(verb)
    if forms:
        if tense == PRESENT:
            return prefix + forms[person]
        if tense == PAST:
            return prefix + forms[4].replace("_", "") + _PAST[forms[5]][person]
        return prefix + (forms[3] if tense == IMPERFECT else forms[6]) + _ENDINGS[tense][person]
    return _first(verb[:-2], tense, person) if verb.endswith("er") else _second(verb[:-2], tense, person)


def _first(stem: str, tense: int, person: int) -> str:
    """Verbs in -er, with the accents, c and g that their sounds need."""
    quiet = re.sub(r"[eé]([bcdfghjklmnprstv]{1,2})$", r"è\1", stem) if re.search(r"[eé][bcdglmnprstv]r?$", stem) else stem
    quiet = re.sub(r"([ou])y$", r"\1i", quiet)
    if tense == PRESENT:
        return quiet + ("e", "e", "ent")[person]
    if tense in (FUTURE, CONDITIONAL):
        return (quiet if "é" not in stem[-3:] else stem) + "er" + _ENDINGS[tense][person]
    if tense == PAST and person == THEY:
        return stem + "èrent"
    soft = stem[:-1] + "ç" if stem.endswith("c") else stem + "e" if stem.endswith("g") else stem
    return soft + (_ENDINGS[tense][person] if tense == IMPERFECT else _PAST["a"][person])


def _second(stem: str, tense: int, person: int) -> str:
    """Verbs in -ir like finir."""
    if tense == PRESENT:
        return stem + ("is", "it", "issent")[person]
    if tense == PAST:
        return stem + _PAST["i"][person]
    return stem + ("iss" if tense == IMPERFECT else "ir") + _ENDINGS[tense][person]


def _forms(verb: str) -> tuple[str, list[str]]:
    for size in range(len(verb), 3, -1):
        if verb[-size:] in _IRREGULAR:
            return verb[:-size], _IRREGULAR[verb[-size:]]
    return "", []


_CONTRACTIONS: Final = (("à le", "au"), ("à les", "aux"), ("de le", "du"), ("de les", "des"))
_CONTRACTED: Final = re.compile(rf"\b([ÀàDd]e?) (les?)\b(?! [{VOWELS}])|\b([ÀàDd]e?) (les)\b")
_ELIDED: Final = re.compile(rf"\b(le|la|de|ne|je|me|se|que|jusque|lorsque|puisque|ce(?= est| était))([ ])(?=[{VOWELS}])", re.IGNORECASE)
_PARTITIVE: Final = re.compile(r"\b([Dd]e) des(?= )")  # faute de confitures, not de des
_IF: Final = re.compile(r"\b([Ss])i (?=ils?\b)")


def spelled(text: str) -> str:
    """Contraction (``du``, ``aux``) and elision (``l'``, ``qu'``), then without the mark of aspirated h."""
    text = _PARTITIVE.sub(r"\1", _CONTRACTED.sub(_contraction, text))
    text = _ELIDED.sub(lambda match: match[1][:-1] + "'", text)
    return _IF.sub(r"\1'", text).replace("*", "")


def _contraction(match: re.Match[str]) -> str:
    preposition, article = match[1] or match[3], match[2] or match[4]
    whole = dict(_CONTRACTIONS)[f"{preposition.lower()} {article}"]
    return whole.capitalize() if preposition[0].isupper() else whole
