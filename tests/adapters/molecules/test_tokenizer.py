"""The SMILES tokenizer: whole, without unknown tokens, complete in its file, and with a quicker way to the same ids."""

import gzip
import random

import numpy as np
import pytest

from domainbert.adapters.molecules import MoleculesAdapter, smiles
from domainbert.adapters.molecules.tokenizers import SPECIAL_TOKENS, make_encoder
from domainbert.tokenization.check import save_tokenizer

ADAPTER = MoleculesAdapter()


@pytest.fixture(scope="module")
def tokenizer():
    return ADAPTER.tokenizer("atom", None, (), model_max_length=512)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]


def tokens(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(ids(tokenizer, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CSc1ccccc1", "C S c 1 c c c c c 1"),
        ("[Sc]", "[ Sc ]"),
        ("[13CH3-]", "[ 13 C H3 - ]".replace("13", "1 3")),
        ("[Co+2]Cl", "[ Co +2 ] Cl"),
        ("[O-:12]", "[ O - : 1 2 ]"),
        ("[nH]", "[ n H ]"),
        ("[se]", "[ se ]"),
        ("[2H]", "[ 2 H ]"),
        ("C[C@@H](N)Br", "C [ C @@ H ] ( N ) Br"),
        ("[Pt@SP1H2-15]", "[ Pt @SP 1 H2 -15 ]"),
        ("C%12CC%12", "C %12 C C %12"),
        ("C%(123)C", "C %( 1 2 3 ) C"),
        ("N->[Fe]", "N -> [ Fe ]"),
        ("[Fe++]", "[ Fe + + ]"),
        ("[#6]$[*]~*", "[ # 6 ] $ [ * ] ~ *"),
        ("[12345U]", "[ 1 2 3 4 5 U ]"),
    ],
)
def test_tokens_are_the_parts_of_the_language(tokenizer, text, expected):
    assert tokens(tokenizer, text) == expected.split()
    assert tokenizer.decode(ids(tokenizer, text)) == text


def test_no_special_token_is_spelled_like_an_atom():
    assert all("[" not in token for token in SPECIAL_TOKENS)


def bracket(rng):
    """A bracket atom by the grammar of OpenSMILES."""
    elements = [token for token in smiles.TOKENS if token.isalpha() and token not in ("H2",)] + ["*"]
    parts = [
        rng.choice(["", "", str(rng.randrange(1, 1000))]),
        rng.choice(elements),
        rng.choice(["", "", "@", "@@", "@TH1", "@AL2", "@SP3", "@TB20", "@OH30"]),
        rng.choice(["", "", "H", "H2", "H9"]),
        rng.choice(["", "", "+", "-", "++", "--", "+2", "-3", "+15", "-15"]),
        rng.choice(["", "", ":1", ":0042"]),
    ]
    return "[" + "".join(parts) + "]"


def molecule(rng):
    """Text by the grammar, sense or not."""
    organic = ["B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I", "b", "c", "n", "o", "s", "p", "*"]
    pieces = []
    for _ in range(rng.randrange(1, 15)):
        pieces.append(rng.choice(["", "", "", "-", "=", "#", "$", ":", "/", "\\", "~", "."]))
        pieces.append(bracket(rng) if rng.random() < 0.4 else rng.choice(organic))
        pieces.append(rng.choice(["", "", "", "1", "9", "%10", "%99", "%(100)", "=2", "(C)", "(=[O+])"]))
    return "".join(pieces)


@pytest.mark.invariant
def test_nothing_of_the_grammar_is_unknown_or_lost(tokenizer):
    rng = random.Random(1)
    encode, backend = make_encoder(), tokenizer.backend_tokenizer
    for _ in range(5000):
        text = molecule(rng)
        encoding = backend.encode(text, add_special_tokens=False)
        assert tokenizer.unk_token_id not in encoding.ids, text
        assert "".join(encoding.tokens) == text
        assert [text[start:end] for start, end in encoding.offsets] == encoding.tokens
        assert encode(text).tolist() == encoding.ids, text


def test_brackets_are_taken_apart_where_the_grammar_says(tokenizer):
    """Against a grammar of single brackets that knows the roles by itself."""
    rng = random.Random(2)
    for _ in range(2000):
        element = rng.choice([token for token in smiles.TOKENS if token.isalpha() and token != "H"])
        hydrogens, charge = rng.choice(["", "H", "H3"]), rng.choice(["", "+", "-2"])
        isotope = rng.choice(["", "7", "131"])
        text = f"[{isotope}{element}{hydrogens}{charge}]"
        assert tokens(tokenizer, text) == ["[", *isotope, element, *filter(None, [hydrogens, charge]), "]"], text


def test_quick_encoder_gives_the_same_ids_on_text_that_is_no_smiles(tokenizer):
    rng = random.Random(3)
    parts = [
        "[",
        "]",
        "[13",
        "C",
        "Sc",
        "H2",
        "+2",
        "-3",
        ":1",
        "@TH1",
        "@@",
        "%12",
        "%(",
        "->",
        "Cl",
        "se",
        "\n",
        "é",
        " ",
        "q",
        "<",
        "++",
    ]
    encode = ADAPTER.fast_encoder(tokenizer)
    for _ in range(3000):
        text = "".join(rng.choices(parts, k=rng.randrange(12)))
        assert encode(text).tolist() == tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids, repr(text)


def test_quick_encoder_bounds_what_it_remembers(monkeypatch, tokenizer):
    from domainbert.adapters.molecules import tokenizers

    monkeypatch.setattr(tokenizers, "_MAX_BRACKETS", 10)
    encode = make_encoder()
    for number in range(50):
        text = f"C[{number}CH3]O"
        assert encode(text).tolist() == ids(tokenizer, text)


def test_only_our_own_tokenizer_has_a_quick_encoder(tokenizer):
    other = ADAPTER.tokenizer("atom", None, (), model_max_length=512)
    other.add_tokens(["[Na+]"])
    assert ADAPTER.fast_encoder(tokenizer) is not None and ADAPTER.fast_encoder(other) is None


@pytest.mark.parametrize("model_type", ["modernbert", "bert", "roberta"])
def test_auto_tokenizer_loads_the_same_beside_a_model(tokenizer, model_type, tmp_path):
    from transformers import AutoConfig, AutoTokenizer

    save_tokenizer(tokenizer, tmp_path)
    AutoConfig.for_model(model_type).save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "C[C@@H]([NH3+])C(=O)[O-]"
    assert loaded(text)["input_ids"] == [2, *ids(tokenizer, text), 3]
    assert loaded.decode(ids(loaded, text)) == text


def test_targets_are_the_language_alone(tokenizer):
    refused = {token for token in tokenizer.get_vocab() if not ADAPTER.is_target(token)}
    assert refused == {*SPECIAL_TOKENS, *smiles.FALLBACK}
    assert ADAPTER.is_target("CC(=O)") and ADAPTER.is_target("Ġc1") and ADAPTER.is_target("[nH]")
    assert not any(map(ADAPTER.is_target, ["", "##", "[MASK]", "[CLS]", "hello", "C C"]))


@pytest.mark.invariant
def test_every_real_molecule_is_whole(shared_data, tokenizer):
    """All 372,723 of the corpus by the quick encoder, which every eightieth is compared with the tokenizer's own ids."""
    path = shared_data / "molecules" / "corpus_canonical_no_molnet_derived.smi.gz"
    encode, spelling = ADAPTER.fast_encoder(tokenizer), np.array(tokenizer.convert_ids_to_tokens(range(len(tokenizer))), object)
    with gzip.open(path, "rt") as lines:
        for number, line in enumerate(lines):
            text = line.strip()
            found = encode(text)
            assert tokenizer.unk_token_id not in found.tolist(), text
            assert "".join(spelling[found]) == text
            if number % 80 == 0:
                assert found.tolist() == tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    assert number == 372_722


def test_raw_task_molecules_are_whole(shared_data, tokenizer):
    import csv

    encode, spelling = ADAPTER.fast_encoder(tokenizer), tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    num_texts = 0
    for path in sorted((shared_data / "molecules" / "tasks").glob("*.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            for row in csv.DictReader(file):
                text = next((row[name] for name in ("smiles", "mol") if row.get(name)), "").strip()
                found = encode(text).tolist()
                assert tokenizer.unk_token_id not in found and "".join(spelling[token] for token in found) == text, text
                num_texts += bool(text)
    assert num_texts > 9_000
