"""Coverage-guided fuzzing of everything that reads what others wrote. Needs atheris (pip install atheris).

    python benchmarks/fuzz.py --seconds 60            every target in turn, with a table at the end: each adapter, then the rest
    python benchmarks/fuzz.py --target recipe FILE    one input again, such as a finding

Whatever the bytes, a reader yields or raises a DomainBertError; canonicalize is idempotent on what it yields.
"""

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import zstandard

from domainbert.adapters.registry import list_adapters

PLACE = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
SUFFIXES = {  # of files that an adapter's first byte chooses among; the format is told by content, then by name
    "dna": (".fa", ".csv"), "urls": (".txt", ".csv", ".log", ".tsv"), "biomedical": (".xml", ".nbib", ".jsonl", ".txt"),
    "french": (".txt", ".conllu", ".jsonl", ".csv"), "molecules": (".smi", ".csv", ".sdf", ".txt"),
    "proteins": (".fasta", ".dat", ".xml", ".csv"), "crystals": (".cif", ".vasp", ".json", ".csv"),
}  # fmt: skip
CIF = b"""data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cs1 Cs 0 0 0 0.5
Cl1 Cl 0.5 0.5 0.5 1
"""
SEEDS = {
    "dna": [b"0>a b\nACGTNNNACGU\n>c\n\nacgt*-\n", b"0ACGT\nACGTA\n", b"1sequence,id\nACGT,1\n\"AC\nGT\",2\n",
            b"0LOCUS       X 8 bp DNA\nDEFINITION  x\nORIGIN\n        1 acgtacgt\n//\n", b"0" + gzip.compress(b">a\nACGT\n"),
            b"0" + zstandard.compress(b">a\nACGT\n")],
    "urls": [b"0http://u:p@a.example.com:80/a%2e/b?x=1&y#z\nhxxps://xn--a[.]b[.]org\njavascript:alert(1)\n[::1]/a\n",
             b"1url,label\nA.com,1\n"],
    "biomedical": [b"0<?xml version='1.0'?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version='1'>1</PMID><Article>"
                   b"<ArticleTitle>a</ArticleTitle><Abstract><AbstractText Label='B'>c<sup>2</sup></AbstractText>"
                   b"</Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>", b"1PMID- 1\nTI  - a\nAB  - b c\n      d\n\n", b'2{"text": "a b", "pmid": "1"}\n',  # noqa: E501
                   b"3a b.\n"],
    "french": ["0L\u2019\u0153uvre d'aujourd'hui\u00a0!\n\nUn autre.\n".encode(),
               b"1# text = a b\n1\ta\ta\tX\t_\t_\t0\t_\t_\t_\n\n", b'2{"text": "a"}\n'],
    "molecules": [b"0C[C@H](N)C(=O)O ala\n[Cu+2].[O-]\nc1ccccc1\n", b"1smiles,id\nCCO,1\n",
                  b"2x\n  RDKit\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0 0.0 0.0 C   0  0\nM  END\n$$$$\n"],
    "proteins": [b"0>a b\nMKVX*\n>c\nMU-OBZJ\n", b"1ID   A_B   Reviewed;   4 AA.\nAC   P1;\nSQ   SEQUENCE   4 AA;\n     MKVL\n//\n",
                 b"2<uniprot xmlns='http://uniprot.org/uniprot'><entry><accession>P1</accession><sequence length='2'>MK</sequence></entry>"
                 b"</uniprot>",
                 b"3sequence,family\nMKV,a\n"],
    "crystals": [b"0" + CIF, b"1x\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\ndirect\n0 0 0\n.5 .5 .5\n", b"3cif,id\n"],
    "documents": [b"text,id\nabc,1\n\"a,\"\"b\",2\n", b'{"text": "abc", "id": 1}\n{"text": null}\n', b"one\r\ntwo\n\n",
                  b"\xef\xbb\xbfa\tb\n1\t2\n",
                  gzip.compress(b"line\n")],
    "recipe": [(Path(__file__).parents[1] / "recipes" / "dna.toml").read_bytes(), b'adapter = "dna"\n[[stage]]\nsteps = 1\n'],
    "data_card": [b"---\nlicense: mit\npretty_name: x\n---\n# x\nTODO\n"],
    "weights": [(60).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(60) + b"\0" * 4],
}  # fmt: skip


def main() -> None:
    """Run one target under atheris, or all of them one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=SEEDS)
    parser.add_argument("--seconds", type=int, default=60)
    arguments, rest = parser.parse_known_args()
    if arguments.target:
        fuzz(arguments.target, rest)
        return
    print(f"{'target':<12}{'seconds':>9}{'inputs':>11}{'edges':>8}  finding", flush=True)
    for target in SEEDS:
        print(run(target, arguments.seconds), flush=True)


def run(target: str, seconds: int) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        for number, seed in enumerate(SEEDS[target]):
            (folder / "corpus" / str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={Path.cwd()}/fuzz-{target}-",
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=4096",
        ]
        command = [sys.executable, __file__, "--target", target, *options, str(folder / "corpus")]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    prose = done.stdout + done.stderr
    counts = re.findall(r"#(\d+)\s", prose)
    edges = re.findall(r"cov: (\d+)", prose)
    failures = re.findall(r"^(?:(?:\w+\.)*\w+(?:Error|Exception)\b|.*libFuzzer: (?:timeout|out-of-memory)).*$", prose, re.MULTILINE)
    finding = "none" if done.returncode == 0 else failures[0] if failures else prose[-300:]
    return f"{target:<12}{seconds:>9}{counts[-1] if counts else '?':>11}{edges[-1] if edges else '?':>8}  {finding}"


def fuzz(target: str, options: list[str]) -> None:
    """Never returns."""
    import atheris

    with atheris.instrument_imports(include=["domainbert"]):
        call = TARGETS[target]()
    atheris.Setup([sys.argv[0], *options], call)
    atheris.Fuzz()


def adapter(name: str) -> Callable[[bytes], None]:
    """An adapter's readers, told by content; the first byte chooses the file's suffix."""
    from domainbert.adapters.base import Drops
    from domainbert.adapters.registry import load_adapter
    from domainbert.errors import DomainBertError

    adapter, suffixes = load_adapter(name), SUFFIXES.get(name, (".txt",))

    def call(data: bytes) -> None:
        path = PLACE / f"domainbert-fuzz-{name}{suffixes[(data[0] if data else 0) % 16 % len(suffixes)]}"
        path.write_bytes(data[1:])
        try:
            for record in adapter.records(str(path), drops=Drops()):
                text = adapter.canonicalize(record.text)
                assert adapter.canonicalize(text) == text and record.id is not None
        except DomainBertError:
            pass

    return call


def documents() -> Callable[[bytes], None]:
    """Readers of short texts; the first byte chooses format, column and encoding."""
    from domainbert.adapters.base import Drops
    from domainbert.corpus.documents import Columns, read_documents
    from domainbert.corpus.open import open_source
    from domainbert.errors import DomainBertError

    formats, encodings = ("auto", "lines", "table", "jsonl"), ("utf-8", "latin-1", "cp1252", "ascii")
    columns = (None, Columns("text", "id"), Columns("1"), Columns("", "", ("id",)))

    def call(data: bytes) -> None:
        choice = data[0] if data else 0
        suffix = (".txt", ".csv", ".tsv", ".jsonl")[choice >> 6]
        path = PLACE / f"domainbert-fuzz{suffix}"
        path.write_bytes(data[1:])
        try:
            with open_source(path) as source:
                options = {"format": formats[choice & 3], "encoding": encodings[choice >> 2 & 3], "columns": columns[choice >> 4 & 3]}
                for document in read_documents(source, Drops(), **options):
                    assert document.text.strip()
        except DomainBertError:
            pass

    return call


def recipe() -> Callable[[bytes], None]:
    """The recipe loader; what it takes is written and read again as the same."""
    from domainbert.errors import DomainBertError
    from domainbert.recipe.document import from_dict, to_dict
    from domainbert.recipe.load import load_recipe

    path = PLACE / "domainbert-fuzz.toml"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            loaded = load_recipe(path)
        except DomainBertError:
            return
        assert from_dict(to_dict(loaded)) == loaded

    return call


def data_card() -> Callable[[bytes], None]:
    """Data cards, which are YAML."""
    from domainbert.errors import DomainBertError
    from domainbert.publishing.data_card import DataCard

    path = PLACE / "domainbert-fuzz.md"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            list(DataCard.read(path).missing())
        except DomainBertError:
            pass

    return call


def weights() -> Callable[[bytes], None]:
    """Headers of safetensors files."""
    from domainbert.errors import DomainBertError
    from domainbert.publishing.weights import read_header

    path = PLACE / "domainbert-fuzz.safetensors"

    def call(data: bytes) -> None:
        path.write_bytes(data)
        try:
            read_header(path)
        except DomainBertError:
            pass

    return call


TARGETS = {
    **{each.name: partial(adapter, each.name) for each in list_adapters() if each.name in SEEDS},
    "documents": documents, "recipe": recipe, "data_card": data_card, "weights": weights,
}  # fmt: skip

if __name__ == "__main__":
    main()
