"""SELFIES: the same molecules in the other notation, each back again, and their tokenizer."""

import gzip
import logging
import random
import subprocess
import sys

import numpy as np
import pytest

from domainbert.adapters.base import Drops, Record
from domainbert.adapters.molecules import MoleculesAdapter, selfies, smiles
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.adapters.molecules.tokenizers import SPECIAL_TOKENS
from domainbert.errors import ModelError
from domainbert.testing import check_adapter
from domainbert.tokenization.check import save_tokenizer

library = pytest.importorskip("selfies", reason="the extra selfies is not installed")

ADAPTER = MoleculesAdapter(MoleculesOptions(notation="selfies"))


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("selfies", None, (), model_max_length=512)


@pytest.fixture(scope="module")
def sample():
    """Every 25th molecule of the sample in either notation."""
    raw = [record.text for record in ADAPTER.sample()][::25]
    return [pair for pair in zip(MoleculesAdapter().entries(raw), ADAPTER.entries(raw), strict=True) if not pair[1][1]]


def read(source, drops=None, **options):
    return list(MoleculesAdapter(MoleculesOptions(notation="selfies", **options)).records(str(source), drops=drops))


@pytest.mark.invariant
def test_contract_of_an_adapter():
    check_adapter(ADAPTER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OCC", "[C][C][O]"),
        ("[O][C][C]", "[C][C][O]"),
        ("[O][C][Branch1][C][nop][C]", "[C][C][O]"),
        ("c1ccccc1", "[C][=C][C][=C][C][=C][Ring1][=Branch1]"),
        ("[C][C][=C][C][=C][C][=Ring1][=Branch1]", "[C][=C][C][=C][C][=C][Ring1][=Branch1]"),
        ("[Na+].[Cl-]", "[Cl-1].[Na+1]"),
        ("[CH3:1][OH:2]", "[C][O]"),
        ("[13CH4]", "[13CH4]"),
        ("C", "[C]"),
        ("[C]", "[C]"),
        ("[CH0]", "[CH0]"),
        ("[O][O]", "[O][O]"),
        ("F/C=C/Cl", "[F][/C][=C][/Cl]"),
        ("no molecule", "no molecule"),
    ],
)
def test_either_notation_leads_to_one_text(text, expected):
    assert ADAPTER.canonicalize(text) == expected == ADAPTER.canonicalize(expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"stereo": False}, "[C][C][=C][C][=C][C][=C][Ring1][=Branch1].[Na+1].[O-1][C][Branch1][C][F][Cl]"),
        ({"fragments": "largest"}, "[C][C][=C][C][=C][C][=C][Ring1][=Branch1]"),
        ({"form": "as_given", "fragments": "largest"}, "[C][=C][C][=C][C][=C][Ring1][=Branch1][C]"),
        ({"form": "kekulised", "fragments": "largest"}, "[C][C][=C][C][=C][C][=C][Ring1][=Branch1]"),
    ],
)
def test_policies(options, expected):
    adapter = MoleculesAdapter(MoleculesOptions(notation="selfies", **options))
    text = adapter.canonicalize("c1ccccc1C.[Na+].F[C@@H]([O-])Cl")
    assert text == expected and adapter.canonicalize(text) == text


def test_as_given_keeps_selfies_as_they_are():
    adapter = MoleculesAdapter(MoleculesOptions(notation="selfies", form="as_given"))
    for text in ("[O][C][C]", "[C][F][F]"):
        assert adapter.canonicalize(text) == text
    assert adapter.canonicalize("OCC") == "[O][C][C]"


BAD = {
    "CI(F)F": ("selfies_constraints", "I with 3 bond(s) - a max. of 1 bond(s) was specified"),
    "C*C": ("selfies_unsupported", "unrecognized symbol '*'"),
    "[Re]$[Re]": ("selfies_unsupported", "unrecognized symbol '$'"),
    "C[Pt@SP1](F)(Cl)Br": ("selfies_unsupported", "invalid atom symbol '[Pt@SP1]'"),
    "N->[Fe]": ("selfies_unsupported", "unrecognized symbol '>'"),
    "[Mc]": ("selfies_unsupported", "invalid atom symbol '[Mc]'"),
    "C:CN": ("selfies_round_trip", "C:CN comes back as C=CN"),
    "C:F": ("selfies_kekulisation", "an aromatic bond at F"),
    "[C][Branch1_1][O][C]": ("selfies_symbol", "invalid symbol '[Branch1_1]'"),
    "C1CC": ("unclosed_ring", "unclosed ring"),
    "[F][=S@@H9]": ("selfies_symbol", "invalid symbol '[=S@@H9]'"),
}


@pytest.mark.parametrize(("text", "told"), BAD.items())
def test_drops_name_the_reason_and_the_line(tmp_path, caplog, text, told):
    path = tmp_path / "a.smi"
    path.write_text(f"CCO\n{text}\n[C][C]\n")
    drops = Drops()
    with caplog.at_level(logging.INFO):
        assert [record.text for record in read(path, drops)] == ["[C][C][O]", "[C][C]"]
    reason, words = told
    assert drops.counts == {reason: 1}
    assert drops.first[reason].startswith(f"{path}:2 (") and words in drops.first[reason] and drops.first[reason] in caplog.text
    assert [found[1] for found in ADAPTER.entries([text, "C"])] == [reason, ""]
    assert ADAPTER.canonicalize(text) == text == MoleculesAdapter(ADAPTER.options).canonicalize(text)


def test_deep_branches_are_dropped_by_name(monkeypatch):
    monkeypatch.setattr(library, "encoder", lambda *args, **kwargs: (_ for _ in ()).throw(RecursionError))
    assert next(ADAPTER.entries(["CCCCCCCF"]))[1] == "selfies_unsupported"


def test_sample_comes_back_with_the_scaffolds_that_it_has_as_smiles(sample):
    from rdkit import Chem

    assert len(sample) > 590
    plain, again = MoleculesAdapter(), MoleculesAdapter(ADAPTER.options)
    for (text, _), (written, _) in sample:
        assert Chem.MolToSmiles(Chem.MolFromSmiles(library.decoder(written))) == text
        assert again.canonicalize(written) == written
    assert [again.group(written) for _, (written, _) in sample[::5]] == [plain.group(text) for (text, _), _ in sample[::5]]


def test_sd_files(tmp_path):
    from rdkit import Chem

    path = tmp_path / "a.sdf"
    path.write_text("".join(f"{Chem.MolToMolBlock(Chem.MolFromSmiles(text))}$$$$\n" for text in ("OCC", "FI(F)F", "c1ccccc1")))
    for form in ("canonical", "as_given"):
        drops = Drops()
        assert [record.text for record in read(path, drops, form=form)][-1] == "[C][=C][C][=C][C][=C][Ring1][=Branch1]"
        assert drops.counts == {"selfies_constraints": 1}


def test_randomised_view_is_the_same_molecule(sample):
    record = Record("a", ADAPTER.canonicalize("C[C@H](N)C(=O)Oc1ccc(/C=C/C)cc1"), "g")
    views = {ADAPTER.view("randomised", record, np.random.default_rng(seed)).text for seed in range(20)}
    assert len(views) > 10 and {MoleculesAdapter(ADAPTER.options).canonicalize(view) for view in views} == {record.text}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("atom", "[C] [C] [=C] [C] [NH1] [C] [=C] [C] [=C] [C] [=C] [N+1] [=O] [O-1] [Na+1]"),
        ("bracket_atom", "[NH1] [N+1] [O-1] [Na+1]"),
        ("ring", "[=C][C][NH1][C][=C][Ring1][Branch1]"),
        ("branch", "[=Branch1][C][=O]"),
        (
            "symbol",
            "[C] [C] [=C] [C] [NH1] [C] [=C] [Ring1] [Branch1] [C] [=C] [C] [=C] [Ring1] [=Branch1] "
            "[N+1] [=Branch1] [C] [=O] [O-1] . [Na+1]",
        ),
    ],
)
def test_units(unit, expected):
    text = "[C][C][=C][C][NH1][C][=C][Ring1][Branch1][C][=C][C][=C][Ring1][=Branch1][N+1][=Branch1][C][=O][O-1].[Na+1]"
    assert [text[start:end] for start, end in ADAPTER.units(text, unit)] == expected.split()


def test_rings_that_close_behind_a_branch():
    text = library.encoder("NC1CCC(C)1O")
    assert text == "[N][C][C][C][C][Branch1][C][C][Ring1][Ring2][O]"
    assert [text[start:end] for start, end in ADAPTER.units(text, "ring")] == [text[3:-3]]


def test_units_follow_the_library(sample):
    """The same atoms, the same openers of rings and as many branches as in the SMILES that it decodes, atom for atom in the same order."""
    for _, (text, _) in sample:
        decoded = library.decoder(text)
        atoms, rings, branches = selfies._walk(text)
        theirs = [start for start, _ in smiles.units(decoded, "atom")]
        assert len(atoms) == len(theirs) and len(branches) == decoded.count("("), text
        ours = [start for start, _ in atoms]
        assert sorted(ours.index(start) for start, _ in rings) == sorted(theirs.index(start) for start, _ in smiles._rings(decoded)), text


def symbol(rng):
    """A symbol by the grammar of SELFIES 2."""
    if rng.random() < 0.3:
        return "[" + rng.choice(["", "=", "#", "-/", "\\\\", "/-"]) + rng.choice(["Ring", "Branch"]) + rng.choice("123") + "]"
    elements = [token for token in selfies.TOKENS if token.isalpha()] + ["C"] * 50
    parts = [
        rng.choice(["", "", "=", "#", "/", "\\"]),
        rng.choice(["", "", "", str(rng.randrange(1, 1000))]),
        rng.choice(elements),
        rng.choice(["", "", "@", "@@"]),
        rng.choice(["", "", "H0", "H1", "H2", "H9"]),
        rng.choice(["", "", "+1", "-1", "+2", "-3", "+15", "-99"]),
    ]
    return "[" + "".join(parts) + "]"


@pytest.mark.invariant
def test_nothing_of_the_grammar_is_unknown_or_lost(tokenizer):
    rng = random.Random(1)
    encode, backend = ADAPTER.fast_encoder(tokenizer), tokenizer.backend_tokenizer
    for _ in range(3000):
        text = "".join(rng.choice(["", "", "", "."]) + symbol(rng) for _ in range(rng.randrange(1, 20)))
        encoding = backend.encode(text, add_special_tokens=False)
        assert tokenizer.unk_token_id not in encoding.ids, text
        assert tokenizer.decode(encoding.ids) == text
        assert [text[start:end] for start, end in encoding.offsets] == encoding.tokens
        assert encode(text).tolist() == encoding.ids, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[C][=C][Ring1][#Branch2][-/Ring2].[C@@H1]", "[C] [=C] [Ring1] [#Branch2] [-/Ring2] . [C@@H1]"),
        ("[13C@@H1-1]", "[ 1 3 C @@ H 1 -1 ]"),
        ("[=Sc]", "[ = Sc ]"),
        ("[\\131I+12]", "[ \\ 1 3 1 I +12 ]"),
        ("[PbH2+2]", "[ Pb H2 +2 ]"),
        ("[nop]", "[ n o p ]"),
        ("[epsilon]", "[ e p s i l o n ]"),
        ("C[Na", "C [ Na"),
        ("c1cc", "c 1 c c"),
    ],
)
def test_common_symbols_are_whole_and_others_taken_apart(tokenizer, text, expected):
    assert tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"]) == expected.split()
    assert ADAPTER.fast_encoder(tokenizer)(text).tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_symbols_are_legal_for_the_library():
    for each in selfies.SYMBOLS:
        library.decoder(f"[C][C]{each}[C]")
    assert [f"[{each}]" for each in selfies._INDEX] == list(library.constants.INDEX_ALPHABET)


def test_targets_are_the_language_alone(tokenizer):
    refused = {token for token in tokenizer.get_vocab() if not ADAPTER.is_target(token)}
    assert refused == {*SPECIAL_TOKENS, *selfies.FALLBACK}
    assert ADAPTER.is_target("[C][13CH2]") and not any(map(ADAPTER.is_target, ["", "[MASK]", "[CLS]", "[nop]", "c1"]))


def test_only_its_own_tokenizer_has_a_quick_encoder(tokenizer):
    other = ADAPTER.tokenizer("selfies", None, (), model_max_length=512)
    other.add_tokens(["[Pt]"])
    assert ADAPTER.fast_encoder(tokenizer) is not None and ADAPTER.fast_encoder(other) is None


def test_anyone_loads_the_tokenizer(tokenizer, tmp_path):
    from transformers import AutoConfig

    save_tokenizer(tokenizer, tmp_path)
    AutoConfig.for_model("modernbert").save_pretrained(tmp_path)
    text = "[C][13C@@H1][Branch1][C][F][=Sc]"
    code = (
        "import sys; from transformers import AutoTokenizer\n"
        f"t = AutoTokenizer.from_pretrained({str(tmp_path)!r}); ids = t({text!r})['input_ids']\n"
        f"assert t.decode(ids, skip_special_tokens=True) == {text!r}\n"
        "assert not {'domainbert', 'selfies', 'rdkit'} & set(sys.modules)\n"
        "print(ids)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tokenizer(text)["input_ids"])


def test_models_keep_their_notation(tokenizer, tmp_path):
    """The folder says how its input is spelled: it is used again, and another notation is refused."""
    from domainbert.embedding.loading import adapter_for
    from domainbert.publishing.contract import Contract, check_contract

    contract = Contract.of(ADAPTER, tokenizer)
    contract.write(tmp_path)
    assert contract.options == {"notation": "selfies"} and contract.libraries["selfies"]
    assert "selfies" not in Contract.of(MoleculesAdapter(), MoleculesAdapter().tokenizer("atom", None, (), model_max_length=64)).libraries
    assert adapter_for(tmp_path).canonicalize("OCC") == "[C][C][O]"
    check_contract(tmp_path, adapter_for(tmp_path), tokenizer)
    with pytest.raises(ModelError, match="notation = 'selfies', this run has the defaults"):
        check_contract(tmp_path, MoleculesAdapter(), tokenizer)


def test_trivial_methods_see_the_same_molecules(sample):
    texts, written = [text for (text, _), _ in sample[:40]], [text for _, (text, _) in sample[:40]]
    for one, other in zip(MoleculesAdapter().baselines(), ADAPTER.baselines(), strict=True):
        rows, same = one.features().fit_transform(texts), other.features().fit_transform(written)
        assert one.name == other.name and abs(rows - same).max() < 1e-6


@pytest.mark.invariant
def test_real_molecules_are_whole(shared_data, tokenizer):
    """Every hundredth of the corpus."""
    path = shared_data / "molecules" / "corpus_canonical_no_molnet_derived.smi.gz"
    with gzip.open(path, "rt") as lines:
        texts = [line.split()[0] for number, line in enumerate(lines) if number % 100 == 0]
    encode, spelling = ADAPTER.fast_encoder(tokenizer), np.array(tokenizer.convert_ids_to_tokens(range(len(tokenizer))), object)
    for text, reason in ADAPTER.entries(texts):
        found = encode(text)
        assert not reason and tokenizer.unk_token_id not in found.tolist() and "".join(spelling[found]) == text


def test_a_run_from_files_to_vectors(tmp_path, capsys):
    """A few steps on SMILES and SELFIES, then vectors of either."""
    from domainbert.cli.app import app

    def program(*arguments):
        with pytest.raises(SystemExit) as left:
            app(args=list(map(str, arguments)))
        said = capsys.readouterr()
        assert not left.value.code, said.err
        return said

    lines = [f"{'C' * size}{end}" for size in range(1, 25) for end in ("O", "N", "c1ccccc1", "Cl", "N=O", "C(F)(F)F")]
    lines[::3] = [library.encoder(line) if "[" not in line else line for line in lines[::3]]
    (tmp_path / "a.smi").write_text("\n".join(lines))
    small = ["hidden_size=16", "num_layers=1", "num_heads=2", 'config.layer_types=["full_attention"]']
    program(
        "pretrain", "--recipe", "molecules", "--corpus", tmp_path / "a.smi", "--output", tmp_path / "run",
        "corpus.options.notation=selfies", "tokenizer.kind=selfies", "training.max_steps=3", "corpus.validation_fraction=0.2",
        *(f"model.scratch.{each}" for each in small),
    )  # fmt: skip
    (tmp_path / "b.smi").write_text("OCC\n[C][C][O]\nCCN\n")
    program("embed", tmp_path / "run", tmp_path / "b.smi", "--output", tmp_path / "v.npy")
    vectors = np.load(tmp_path / "v.npy")
    assert (vectors[0] == vectors[1]).all() and not np.allclose(vectors[0], vectors[2])
