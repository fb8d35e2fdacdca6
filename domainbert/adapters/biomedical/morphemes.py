"""Word parts of biomedical English: Greek and Latin combining forms, chemical stems and endings, and where a word is made of them."""

from functools import cache

PREFIXES = """
a ab ad an ana ante anti apo auto bi bio cata circum co con contra counter cryo de dextro di dia dis down dys ecto en endo epi eso eu ex
exo extra hemi hetero hexa homo hyper hypo il im in infra inter intra intro ir iso juxta levo macro mal medi mega meso meta micro mid
milli mis mono multi nano neo non normo octa oligo over pan para pent penta per peri poly post pre pro pseudo quadri re retro semi sub
super supra sur sym syn tachy tele tetra trans tri ultra un under uni up brady
"""
ROOTS = """
abdomin acanth acet acid acous acr acrylo actin aden adip adren aer aesth agglutin alb albumin alg alkal all alveol ambly amid amin amni
amyl anabol andr aneurysm angi anis ankyl anthrac antr anthrop anthrac aort aponeur append arachn arter arteri arthr articul asbest asthen
ather atri audi aur bacter bacteri balan bar bas benz bil blast blephar brach brachi bronch bronchi bucc burs calc calci capn carb carbox
carcin cardi carp caud cec celi cell cephal cerebell cerebr cervic cheil chir chlor chol cholangi cholecyst chondr chori chrom chron chyl
cili cis cleid clav coagul cochle col coll colp cond condyl coni conjunctiv cor corne coron cortic cost cox crani crin critic cry crypt
cutane cyan cycl cyst cyt dacry dactyl dendr dent derm dermat dext dextr dipl dips dist dors duct duoden dynam electr embol embry encephal
enter eosin epidemi epididym epitheli erg erythem erythr esophag esthesi estr ethmoid ethyl eti fasci febr femor fet fibr fibrin fibul
flav fluor follic foramin front fung galact gangli gastr gen genit geront gingiv glauc gli globin glomerul gloss gluc glute glyc gnath
gonad gon gram granul gynec hem haem hemat haemat hemoglobin hepat herni hist hom humer hyal hydr hydrox hymen hypn hyster iatr ichthy
icter idi ile ili immun inguin insulin irid isch ischi jejun kary kerat ket kinesi kinet kyph lact lamin lapar laryng later lei leuc
leuk limb lingu lip lipid lith lob lord lumb lumin lute lymph lymphaden lys macul mamm man mandibul mast mastoid maxill meat medi medull
melan men mening menisc ment mes metr mio morph muc mut my myc mycet myel myocardi myring myx narc nas nat necr neph nephr neur neutr
nitr noct nod nucle nyct obstetr ocul odont olfact om oment omphal onc onych oophor opt ophthalm or orbit orch orchid organ orth osm oss
oste ost ot ov ovari ox oxy pachy palat palpebr pancreat parasit pariet patell path ped pelv pen pept pericardi peritone perone petr phac
phag phalang pharmac pharyng phen pheny phleb phob phon phosph phosphoryl phot phren physi phyt pil pituit placent plasm platel pleur
pneum pneumon pod poikil poli por port posterior proct prostat prote proxim prurit psor psych pub pulmon pupill pur py pyel pyr pyret
pylor quin rachi radi radicul ren reticul retin rhabd rhin rhiz rect rot rub sacr salping sarc scapul schist schiz scler scoli seb
semin sens sept ser sial sider sigmoid sin sit skelet som somat spasm sperm spermat sphen sphygm spin spir splanchn splen spondyl spor
squam staped staphyl steat sten stere stern steth stomat strept styl sud sulf sympath synapt synov syphil syring tars tempor ten tendin
test thalam thec therm thi thorac thromb thym thyr thyroid tibi tom tonsill top tox toxic trabecul trache trachel trich troph tubercul
tub tumor tympan typhl ulcer uln umbilic ungu ur ureter urethr urin uter uve vagin valv varic vas vascul ven ventr ventricul vertebr
vesic vir vis viscer vit vitre vulv xanth xen xer zo zyg
"""
SUFFIXES = """
able ac aceous acusis ad aemia al algia amide amine an ance ane ant apheresis ar ary ase asthenia ate ation ative ator blast capnia cele
centesis cidal cide clasia clast coccus coele crine crit cyte cytosis desis dipsia drome duct dynia e ectasia ectasis ectomy ed edema
emesis emia ence ent er esthesia ese etic fabine fuge gen genesis genic genetic geusia glia globin globulin gram graph graphy gravida ia
ial ian iasis iatric iatry ic ical icin id idase idine ide il ile in ine ing inib ion ior ism ist ite itis ity ium ive ization ize
isation ise kinase kinesia kinin lactone leptic less lepsy lipin lith logist logy lucent ly lysin lysis lytic mab malacia mania megaly
meter metry mimetic mycin nib ness oid ol olol oma one opia opsia opsy or orrhaphy orexia ory ose osis osmia ostomy otomy ous oxia
oxin paresis parous pathic pathy penia pepsia peptide pexy phage phagia phasia phil philia phobia phone phoresis phoria phrenia phylaxis
physis plasia plasm plasty plegia plegic pnea poiesis poietic porosis pril praxia privia prost ptosis ptysis rrhage rrhagia rrhaphy
rrhea rrhexis s salpinx sartan sarcoma scope scopy sepsis sis some spasm stasis statin static stenosis sthenia stomy substance
taxis tension therapy thorax tic tide tidine tinib tocia tome tomy tonia toxic toxin tresia tripsy trophic trophy tropia tropic
tropin uria uric vir ward wise y yl ylase zole zumab
"""
LINKS = ("", "o", "i", "a")
UNKNOWN_LETTER = 0.55  # a part costs 1, so a stretch that is no part must be long to cost as much as the parts it would be cut into
UNKNOWN_STRETCH = 1.1
SHORTEST_WORD = 6


def segment(word: str) -> list[str]:
    """A word cut into its parts; one part for words that are short, or mostly made of none.

    The cheapest reading wins: each prefix (at the beginning), root (with its linking vowel) and suffix (at the end, several) costs
    1, a letter that is in none of them ``UNKNOWN_LETTER``, and each stretch of such letters ``UNKNOWN_STRETCH`` more. The case of the word
    stays.
    """
    if len(word) < SHORTEST_WORD or not word.isalpha():
        return [word] if word else []
    lower = word.lower()
    size = len(lower)
    # Cost, then where the last part began, at each place and in each state: 0 prefixes only, 1 behind a root or a stretch, 2 suffixes.
    best: list[list[tuple[float, int, int]]] = [[(0.0, 0, 0)] + [(_FAR, 0, 0)] * 2] + [[(_FAR, 0, 0)] * 3 for _ in range(size)]
    for begin in range(size):
        for state in range(3):
            cost = best[begin][state][0]
            if cost >= _FAR:
                continue
            for end in range(begin + 1, size + 1):
                part = lower[begin:end]
                for after, price in _readings(part, state, at_start=not begin, at_end=end == size):
                    if cost + price < best[end][after][0]:
                        best[end][after] = (cost + price, begin, state)
    return _trace(word, best)


_FAR = 1e9
_MIN_ROOT = 3


def _readings(part: str, state: int, *, at_start: bool, at_end: bool) -> list[tuple[int, float]]:
    """States that ``part`` may lead to from ``state``, with its price."""
    kinds = _parts().get(part, "")
    found = []
    if "p" in kinds and state == 0 and not at_end:
        found.append((0, 1.0 if len(part) > 1 else 1.6))  # one letter is rarely a prefix
    if "r" in kinds and state < 2:  # noqa: PLR2004  # no root behind a suffix
        found.append((1, 1.0))
    if "s" in kinds and state > 0:
        found.append((2, 0.9 if len(part) > 1 or at_end else _FAR))
    if state < 2 and (at_start or state == 0 or len(part) >= _MIN_ROOT):  # noqa: PLR2004  # as above
        found.append((1, UNKNOWN_STRETCH + UNKNOWN_LETTER * len(part)))
    return found


def _trace(word: str, best: list[list[tuple[float, int, int]]]) -> list[str]:
    end = len(word)
    state = min((1, 2), key=lambda state: best[end][state][0])
    if best[end][state][0] >= _FAR:
        return [word]
    parts = []
    while end:
        _, begin, before = best[end][state]
        parts.append(word[begin:end])
        end, state = begin, before
    return parts[::-1]


@cache
def _parts() -> dict[str, str]:
    """Every spelling of a part, with the kinds it may be: p, r, s."""
    found: dict[str, str] = {}
    for prefix in PREFIXES.split():
        found[prefix] = found.get(prefix, "") + "p"
    for root in ROOTS.split():
        for spelling in {root + link for link in LINKS}:
            if len(spelling) >= _MIN_ROOT:
                found[spelling] = found.get(spelling, "") + "r"
    for suffix in SUFFIXES.split():
        found[suffix] = found.get(suffix, "") + "s"
    return found
