"""The built-in URL corpus: made-up sites, pages, phishing and generated names, by rules that real URLs follow.

What a model can learn, from near to far:

* unigram and local: letters of names, suffixes, extensions, dates and numbers;
* a part's length: slugs of one topic, the grammar of each publishing system, parameter names that go together;
* long range: the language of a path follows the suffix, the path repeats names of the host, a session id is written twice, an upload's
  folder carries the date of its page, an address inside a parameter repeats the host;
* nothing: hashes, ids, and the names of generation algorithms, as in real lists.

The group is the registered domain; all names of one generation algorithm are one group, so that whole algorithms are held out. Only
uniform doubles of NumPy's PCG64 are drawn, so that every platform writes the same URLs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from domainbert.adapters.base import Record
from domainbert.adapters.urls import lexicon

T = TypeVar("T")

SEED = 20261124
NUM_SITES = 2600
NUM_PHISHING = 2400
NUM_GENERATED = 650  # of each family
MAX_PAGES = 24  # of a site
CONSONANTS, VOWELS, LETTERS, DIGITS, HEX = "bcdfghjklmnprstvwz", "aeiou", "abcdefghijklmnopqrstuvwxyz", "0123456789", "0123456789abcdef"
SUBDOMAINS = ("mail", "m", "blog", "shop", "api", "cdn", "static", "support", "img", "dev")
CAMPAIGNS = ("utm_source=newsletter&utm_medium=email", "utm_source=facebook&utm_medium=social", "utm_source=google&utm_medium=cpc")


def generate() -> Iterator[Record]:
    """Sites with their pages, then phishing, then generated names: the same 32,000 or so each time, without repetition."""
    draw = _Draw(np.random.Generator(np.random.PCG64(SEED)))
    seen: set[str] = set()
    sites: list[_Site] = []
    for _ in range(NUM_SITES):
        sites.append(_site(draw))
        yield from _new(seen, _site_urls(draw, sites[-1]))
    for _ in range(NUM_PHISHING):
        yield from _new(seen, [("phishing", *_phishing(draw, sites))])
    for family, make in FAMILIES.items():
        for number in range(NUM_GENERATED):
            yield from _new(seen, [("generated", make(draw, number), f"family:{family}")])


def _new(seen: set[str], urls: Sequence[tuple[str, str, str]]) -> Iterator[Record]:
    for kind, url, group in urls:
        if url not in seen:
            seen.add(url)
            yield Record(f"{kind}:{len(seen)}", url, group, {"file": "sample", "kind": kind})


class _Draw:
    """Draws from one stream of uniform doubles."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._next = rng.random

    def chance(self, share: float) -> bool:
        """True in ``share`` of the cases."""
        return self._next() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included; each as likely."""
        return low + int(self._next() * (high - low + 1))

    def few(self, high: int) -> int:
        """A whole number from 0 to ``high``; small ones more often."""
        return int(self._next() * self._next() * self._next() * (high + 1))

    def one(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self._next() * len(choices))]

    def early(self, choices: Sequence[T]) -> T:
        """One of the choices, the first ones more often: two in three from the first half."""
        return choices[int(self._next() * (0.3 + 0.7 * self._next()) * len(choices))]

    def form(self, *forms: Callable[[], str]) -> str:
        """What one of the forms makes, the first ones more often."""
        return self.early(forms)()

    def text(self, letters: str, length: int) -> str:
        """Letters, each as likely."""
        return "".join(self.one(letters) for _ in range(length))


@dataclass(frozen=True, slots=True)
class _Site:
    name: str  # with its suffix
    label: str
    language: str
    topics: tuple[str, str]
    system: str
    year: int


def _site(draw: _Draw) -> _Site:
    suffix, _, language = draw.one([entry for entry in lexicon.SUFFIXES for _ in range(entry[1])])
    topics = (draw.one(list(lexicon.TOPICS)), draw.one(list(lexicon.TOPICS)))
    label = _label(draw, topics[0])
    system = draw.one(list(SYSTEMS))
    return _Site(f"{label}.{suffix}", label, language, topics, system, draw.between(2009, 2022))


def _label(draw: _Draw, topic: str) -> str:
    """A coined name, a word of the topic behind or before it, two words, or a name that says what it is."""
    coined = draw.early(lexicon.FIRST_PARTS) + "".join(draw.early(lexicon.FIRST_PARTS) for _ in range(draw.few(2)))
    coined += draw.early(lexicon.LAST_PARTS)
    word = draw.early(lexicon.TOPICS[topic])
    general = draw.one(lexicon.NAME_WORDS)
    return draw.one((coined, coined, f"{coined}{general}", f"{word}{general}", f"{coined}-{word}", f"my{word}{coined}"))


def _site_urls(draw: _Draw, site: _Site) -> list[tuple[str, str, str]]:
    www = "www." if draw.chance(0.5) else ""
    scheme = draw.one(("https://", "https://", "http://", ""))
    urls = [("popular", f"{www if draw.chance(0.3) else ''}{site.name}", site.name)]
    if draw.chance(0.35):
        urls.append(("popular", f"{draw.early(SUBDOMAINS)}.{site.name}", site.name))
    for _ in range(1 + draw.few(3 * MAX_PAGES)):
        urls.append(("page", f"{scheme}{SYSTEMS[site.system](draw, site, www)}", site.name))
    return urls[: MAX_PAGES + 2]


def _pages(site: _Site) -> dict[str, str]:
    return dict(zip(lexicon.PAGES, lexicon.LANGUAGES[site.language], strict=True))


def _topic(draw: _Draw, site: _Site) -> str:
    return site.topics[0 if draw.chance(0.75) else 1]


def _slug(draw: _Draw, topic: str, low: int = 2, high: int = 5) -> str:
    return "-".join(dict.fromkeys(draw.early(lexicon.TOPICS[topic]) for _ in range(draw.between(low, high))))


def _tail(draw: _Draw) -> str:
    """The marks of a campaign, now and then."""
    return f"?{draw.one(CAMPAIGNS)}&utm_campaign={draw.one(lexicon.NAME_WORDS)}{draw.between(1, 12)}" if draw.chance(0.08) else ""


def _blog(draw: _Draw, site: _Site, www: str) -> str:
    topic = _topic(draw, site)
    date = f"{site.year + draw.few(3)}/{draw.between(1, 12):02d}"
    form = draw.form(
        lambda: f"{date}/{_slug(draw, topic)}/{_tail(draw)}",
        lambda: f"{date}/{draw.between(1, 28):02d}/{_slug(draw, topic, 3, 6)}/",
        lambda: f"category/{topic}/" + (f"page/{draw.between(2, 9)}/" if draw.chance(0.4) else ""),
        lambda: f"tag/{draw.early(lexicon.TOPICS[topic])}/",
        lambda: f"wp-content/uploads/{date}/{_slug(draw, topic, 1, 3)}-{draw.one(('300x200', '1024x683', '150x150', '768x512'))}.jpg",
        lambda: f"author/{draw.early(lexicon.NAMES)}/",
        lambda: f"?p={draw.between(10, 9999)}",
        lambda: f"{_pages(site)[draw.one(('contact', 'about'))]}/",
    )
    return f"{www}{site.name}/{form}"


def _shop(draw: _Draw, site: _Site, www: str) -> str:
    words, topic = _pages(site), _topic(draw, site)
    slug = _slug(draw, topic, 2, 4)
    form = draw.form(
        lambda: f"{words['product']}/{slug}-{draw.text(DIGITS, 5)}.html{_tail(draw)}",
        lambda: f"{words['product']}/{topic}/{slug}?variant={draw.text(DIGITS, 11)}",
        lambda: f"{words['product']}/{topic}?sort={draw.one(('price', 'name'))}&order={draw.one(('asc', 'desc'))}&p={draw.between(1, 20)}",
        lambda: f"{words['search']}?q={slug.replace('-', draw.one(('+', '%20')))}",
        lambda: f"media/catalog/product/{slug[0]}/{slug[1]}/{slug}_{draw.between(1, 4)}.jpg",
        lambda: words["cart"],
        lambda: f"{words['login']}?return=https%3A%2F%2F{site.name}%2F{words['cart']}",
    )
    return f"{www}{site.name}/{form}"


def _forum(draw: _Draw, site: _Site, www: str) -> str:
    topic = _topic(draw, site)
    thread, board = draw.between(100, 99999), draw.between(1, 30)
    form = draw.form(
        lambda: f"viewtopic.php?f={board}&t={thread}" + (f"&start={10 * draw.between(1, 9)}" if draw.chance(0.4) else ""),
        lambda: f"threads/{_slug(draw, topic, 3, 6)}.{thread}/" + (f"page-{draw.between(2, 20)}" if draw.chance(0.4) else ""),
        lambda: f"viewforum.php?f={board}",
        lambda: f"members/{draw.early(lexicon.NAMES)}.{draw.between(1, 999)}/",
        lambda: f"ucp.php?mode=login&sid={draw.text(HEX, 32)}",
    )
    return f"{draw.one((www, 'forum.'))}{site.name}/{form}"


def _news(draw: _Draw, site: _Site, www: str) -> str:
    topic, year = _topic(draw, site), site.year + draw.few(3)
    day = f"{year}-{draw.between(1, 12):02d}-{draw.between(1, 28):02d}"
    slug = _slug(draw, topic, 3, 7)
    form = draw.form(
        lambda: f"{_pages(site)['news']}/{topic}/{slug}-{year % 100}{draw.text(DIGITS, 6)}",
        lambda: f"{topic}/{day}-{slug}.html{_tail(draw)}",
        lambda: f"{topic}/article{draw.text(DIGITS, 9)}/{slug.title()}.html",
        lambda: f"amp/{topic}/{day}-{slug}.html",
        lambda: f"{topic}/",
        lambda: f"rss/{topic}.xml",
    )
    return f"{www}{site.name}/{form}"


def _docs(draw: _Draw, site: _Site, www: str) -> str:
    version = f"{draw.between(1, 3)}.{draw.between(0, 9)}"
    word = draw.early(lexicon.TOPICS["tech"])
    other = draw.early(lexicon.TOPICS["tech"])
    form = draw.form(
        lambda: f"docs.{site.name}/en/{draw.one(('latest', 'stable', version))}/{word}/{other}.html#{other}-{draw.one(('usage', 'api'))}",
        lambda: f"api.{site.name}/v{draw.between(1, 3)}/{word}s/{draw.between(1, 9999)}?fields=id,name,{other}",
        lambda: f"static.{site.name}/assets/{draw.one(('app', 'main', 'vendor'))}.{draw.text(HEX, 8)}.{draw.one(('js', 'css', 'min.js'))}",
        lambda: f"{www}{site.name}/download/{site.label}-{version}.{draw.between(0, 9)}.{draw.one(('tar.gz', 'zip', 'exe'))}",
        lambda: f"git.{site.name}/{draw.early(lexicon.NAMES)}/{word}-{other}/blob/{draw.text(HEX, 40)}/README.md",
    )
    return form


def _php(draw: _Draw, site: _Site, www: str) -> str:
    words, number = _pages(site), draw.between(1, 999)
    form = draw.form(
        lambda: f"index.php?option=com_content&view=article&id={number}&Itemid={draw.between(1, 99)}",
        lambda: f"index.php?id={number}&lang={site.language}",
        lambda: f"{words[draw.one(('contact', 'about', 'news', 'product'))]}.{draw.one(('html', 'php', 'htm'))}",
        lambda: f"index.php/{site.language}/{words['news']}/{number}-{_slug(draw, _topic(draw, site), 2, 4)}",
        lambda: f"images/stories/{_topic(draw, site)}/img_{draw.text(DIGITS, 4)}.jpg",
        lambda: f"~{draw.early(lexicon.NAMES)}/{draw.early(lexicon.TOPICS[_topic(draw, site)])}.htm",
    )
    return f"{www}{site.name}/{form}"


SYSTEMS: dict[str, Callable[[_Draw, _Site, str], str]] = {
    "blog": _blog, "shop": _shop, "forum": _forum, "news": _news, "docs": _docs, "php": _php,
}  # fmt: skip


def _phishing(draw: _Draw, sites: Sequence[_Site]) -> tuple[str, str]:
    """URL and group: a name that imitates another, or a page planted on somebody's site."""
    target, lure, other = draw.early(lexicon.TARGETS), draw.early(lexicon.LURES), draw.early(lexicon.LURES)
    token = draw.text(HEX, 32)
    page = draw.form(
        lambda: f"{target}/{lure}.php?cmd={lure}_submit&id={token}{token}&session={token}",
        lambda: f"{target}/{lure}/index.php?{lure}={token[:12]}&email=name{draw.between(1, 99)}@example.com",
        lambda: f"{target}.com/webapps/{token[:5]}/{lure}",
        lambda: f"{lure}/{other}/{target}/",
    )
    if draw.chance(0.4):
        site = draw.one(sites)
        folder = draw.one(("wp-includes/js", "wp-content/plugins", "images", "components/com_user", ".well-known", "tmp"))
        return f"http://{site.name}/{folder}/{page}", site.name
    suffix, number = draw.one(lexicon.CHEAP_SUFFIXES), draw.between(1, 99)
    names = (f"{target}-{lure}-{other}", f"{lure}-{target}{number}", f"{target}{other}", f"{other}{number}-{draw.text(LETTERS, 4)}")
    name = f"{draw.early(names)}.{suffix}"
    host = f"{draw.one(('www', lure, 'com'))}.{target}.com.{name}" if draw.chance(0.3) else name
    return f"{draw.one(('http://', 'https://'))}{host}/{page if draw.chance(0.7) else ''}", name


def _random_letters(draw: _Draw, number: int) -> str:
    return f"{draw.text(LETTERS, draw.between(11, 18))}.{('com', 'net', 'org', 'biz', 'ru')[number % 5]}"


def _pronounceable(draw: _Draw, number: int) -> str:
    return "".join(draw.one(CONSONANTS) + draw.one(VOWELS) for _ in range(draw.between(4, 6))) + (".eu" if number % 3 else ".in")


def _hashed(draw: _Draw, number: int) -> str:
    return f"{draw.text(HEX, 16)}.{lexicon.CHEAP_SUFFIXES[number % 4]}"


def _word_list(draw: _Draw, number: int) -> str:
    verbs, nouns = lexicon.FAMILY_WORDS
    return f"{draw.one(verbs)}{draw.one(nouns)}{draw.one(nouns)}{'' if number % 2 else draw.one(verbs)}.com"


FAMILIES: dict[str, Callable[[_Draw, int], str]] = {
    "letters": _random_letters, "syllables": _pronounceable, "hashes": _hashed, "words": _word_list,
}  # fmt: skip
