"""The sample's names: diseases, drugs, genes, procedures and measures, put together from word parts as the field puts them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Draw = Callable[[int], int]
"""A whole number below the given one."""

ORGANS = """
hepat:hepatic nephr:renal cardi:cardiac gastr:gastric enter:intestinal col:colonic pancreat:pancreatic splen:splenic pneumon:pulmonary
bronch:bronchial encephal:cerebral myel:spinal neur:neural derm:cutaneous arthr:articular oste:osseous my:muscular vascul:vascular
phleb:venous arteri:arterial lymph:lymphatic thyr:thyroid aden:glandular cyst:vesical ureter:ureteral prostat:prostatic hyster:uterine
oophor:ovarian mast:mammary ot:aural rhin:nasal laryng:laryngeal pharyng:pharyngeal ophthalm:ocular retin:retinal kerat:corneal
blephar:palpebral odont:dental gingiv:gingival gloss:lingual stomat:oral esophag:esophageal proct:rectal periton:peritoneal pleur:pleural
pericard:pericardial mening:meningeal chondr:cartilaginous ten:tendinous burs:bursal fasci:fascial fibr:fibrous lip:adipose
hemat:hematologic thromb:thrombotic leuk:leukocytic gli:glial gangli:ganglionic radicul:radicular spondyl:vertebral crani:cranial
""".split()
DISORDERS = "itis osis opathy oma osclerosis ectasia omalacia oplegia odysplasia otrophy ostenosis oblastoma omegaly orrhagia".split()
QUALIFIERS = """
acute chronic primary secondary familial sporadic idiopathic recurrent refractory severe mild bilateral unilateral early-onset
late-onset juvenile atypical progressive diffuse focal necrotizing granulomatous autoimmune drug-induced hereditary end-stage
""".split()
PLACES = "Aar Bel Cor Dun Esk Fal Gar Hol Ive Jor Kel Lan Mor Nor Orn Pel Rud Sol Tor Ust Var Wex Yar Zel".split()
ENDINGS = "berg mann sen ov ini ard strom wick etti ez oux hofer".split()

ONSETS = "a be ca da e fi ga i ka lo me ni o pa ra se ta u vo xa ze ro li mu do ve te sa cro dra flu pre tri glo bri sta".split()
MIDDLES = "ba bri cli da do fa fe gli ka la li lo ma mi na ne ni ra ri ro sa so ta ti to tu va ve vi za zo".split()
CLASSES = """
mab:antibody tinib:inhibitor pril:inhibitor sartan:antagonist olol:blocker statin:inhibitor gliptin:inhibitor cillin:antibiotic
conazole:antifungal vir:antiviral parib:inhibitor ciclib:inhibitor floxacin:antibiotic prazole:inhibitor setron:antagonist
caine:anesthetic barbital:sedative glitazone:agonist cycline:antibiotic dronate:bisphosphonate triptan:agonist platin:agent
""".split()

GENE_LETTERS = "ABCDEFGHIKLMNPRSTVWXYZ"
GREEK = "αβγδεκ"
FACTORS = """
interleukin interferon tumor-necrosis-factor transforming-growth-factor catenin integrin tubulin globulin amyloid laminin
""".split()

CUTS = "ectomy ostomy otomy oplasty oscopy orrhaphy ography opexy odesis ocentesis".split()
MANNERS = "laparoscopic open robot-assisted endoscopic percutaneous minimally-invasive emergency elective partial total".split()

ANALYTES = """
albumin bilirubin calcium chloride cholesterol cortisol creatinine ferritin fibrinogen glucose haptoglobin homocysteine insulin lactate
leptin magnesium phosphate potassium prolactin renin sodium testosterone thyroxine transferrin triglyceride troponin urea zinc
C-reactive_protein HbA₁c 25(OH)D₃ PaCO₂ PaO₂ Ca²⁺ NT-proBNP TNF-α IFN-γ IL-6 IL-1β TGF-β₁ β₂-microglobulin α-fetoprotein
""".split()
UNITS = "mg/dL µmol/L ng/mL mmol/L pg/mL IU/L g/L U/mL µg/L nmol/L".split()


@dataclass(frozen=True, slots=True)
class Disease:
    """A disease: its name, its abbreviation, and the adjective of its organ."""

    name: str
    short: str
    organ: str


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug and what kind of one it is."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Names:
    """Names that one group of abstracts has for itself, or that all share; the first ones are the most frequent."""

    diseases: Sequence[Disease]
    drugs: Sequence[Drug]
    genes: Sequence[str]
    procedures: Sequence[str]


class Lexicon:
    """Makes names, each only once."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.taken: set[str] = set()

    def names(self, *, diseases: int, drugs: int, genes: int, procedures: int) -> Names:
        """So many new names of each kind."""
        return Names(
            [self._disease() for _ in range(diseases)],
            [self._drug() for _ in range(drugs)],
            [self._new(self._gene) for _ in range(genes)],
            [self._new(self._procedure) for _ in range(procedures)],
        )

    def pick(self, items: Sequence[str]) -> str:
        """Any of them."""
        return items[self.draw(len(items))]

    def _new(self, make: Callable[[], str]) -> str:
        while (name := make()) in self.taken:
            pass
        self.taken.add(name)
        return name

    def _disease(self) -> Disease:
        name = self._new(self._disease_name)
        words = name.split()
        organ = next((adjective for root, adjective in self._organs() if words[-1].startswith(root)), "systemic")
        return Disease(name, self._abbreviation(words), organ)

    def _disease_name(self) -> str:
        if not self.draw(6):
            head = self.pick(PLACES) + self.pick(ENDINGS)
            return f"{head} {self.pick(['syndrome', 'disease', 'anomaly'])}"
        root, _ = self._organs()[self.draw(len(ORGANS))]
        disorder = self.pick(DISORDERS)
        if not self.draw(5):
            other, _ = self._organs()[self.draw(len(ORGANS))]
            root = f"{root}o{other}"
        word = root + disorder
        return f"{self.pick(QUALIFIERS)} {word}" if self.draw(5) else word

    def _abbreviation(self, words: Sequence[str]) -> str:
        """Initials, with one more letter from inside the last word, as for chronic nephrosclerosis: CNS."""
        *others, last = words
        inner = last[len(last) // 2 :]
        letters = [word[0] for word in others] + [last[0], next((letter for letter in inner if letter not in "aeiouy"), inner[0])]
        short = "".join(letters).upper()
        while short in self.taken:
            short += "SDTX"[self.draw(4)]
        self.taken.add(short)
        return short

    def _drug(self) -> Drug:
        ending, kind = self.pick(CLASSES).split(":")

        def make() -> str:
            middle = "".join(self.pick(MIDDLES) for _ in range(1 + self.draw(2)))
            return self.pick(ONSETS) + middle + ending

        return Drug(self._new(make), kind)

    def _gene(self) -> str:
        if not self.draw(5):
            return f"{self.pick(FACTORS).replace('-', ' ')}-{self.pick(GREEK)}{self.draw(4) or ''}"
        letters = "".join(self.pick(GENE_LETTERS) for _ in range(2 + self.draw(3)))
        return f"{letters}{1 + self.draw(19)}{self.pick(['', '', '', 'A', 'B', 'L1', 'R'])}"

    def _procedure(self) -> str:
        root, _ = self._organs()[self.draw(len(ORGANS))]
        name = root + self.pick(CUTS)
        return f"{self.pick(MANNERS).replace('-', ' ')} {name}" if self.draw(3) else name

    def _organs(self) -> list[tuple[str, str]]:
        return _ORGANS


_ORGANS = [(root, adjective) for root, _, adjective in (entry.partition(":") for entry in ORGANS)]
