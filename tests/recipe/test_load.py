import tomllib

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import Objective, Ramp, Stage
from domainbert.resources import recipe_files, resource_folder

MINIMAL = """
adapter = "dna"
[tokenizer]
kind = "character"
[corpus]
sources = ["sample"]
[[stage]]
steps = 100
"""
CORRUPTION = MINIMAL + "[stage.corruption]\n"


@pytest.fixture
def recipe(tmp_path):
    """Writes a recipe and loads it."""

    def load(text, **kwargs):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return load_recipe(path, **kwargs)

    return load


@pytest.fixture
def problems(recipe, tmp_path):
    """The problems of a recipe, without the file's name in front."""

    def find(text, **kwargs):
        with pytest.raises(RecipeError) as error:
            recipe(text, **kwargs)
        return [line.removeprefix(f"{tmp_path / 'mine.toml'}: ") for line in str(error.value).splitlines()]

    return find


def with_line(line, *, below):
    """The minimal recipe with a line added below one of its own."""
    assert below in MINIMAL
    return MINIMAL.replace(below, f"{below}\n{line}", 1)


def test_every_shipped_recipe_loads():
    files = list(resource_folder("recipes").rglob("*.toml"))
    assert len(files) == len(recipe_files()) >= 1
    for path in files:
        assert load_recipe(path) == load_recipe(path.stem)


def test_defaults_and_short_forms_are_filled_in(recipe):
    loaded = recipe(MINIMAL + "[stage.objectives]\nmlm = 0.5\n")
    assert loaded.corpus[0].name == "main"
    assert loaded.corpus[0].adapter == "dna"
    assert loaded.corpus[0].options["window"] == 65536
    assert loaded.tokenizer.mode == "replace"
    assert loaded.stage == (Stage(steps=100, objective=(Objective("mlm", 0.5),)),)


def test_long_form_means_the_same_as_short_form(recipe):
    long = MINIMAL.replace("[corpus]", "[[corpus]]\nname = 'main'") + "[[stage.objective]]\nkind = 'mlm'\nweight = 0.5\n"
    assert recipe(long) == recipe(MINIMAL + "[stage.objectives]\nmlm = 0.5\n")


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("0.3", 0.3),
        ("1", 1.0),
        ("{shape = 'linear', from = 0.3, to = 0.05}", Ramp("linear", 0.3, 0.05)),
        ("{shape = 'sample', low = 0.05, high = 1.0}", Ramp("sample", 0.05, 1.0)),
    ],
)
def test_rates(recipe, rate, expected):
    assert recipe(MINIMAL + f"[stage.corruption]\nrate = {rate}\n").stage[0].corruption.rate == expected


def test_base_keeps_its_tokenizer_and_scratch_replaces_it(recipe):
    text = MINIMAL.replace('[tokenizer]\nkind = "character"', '[model]\nbase = "some/model"')
    assert recipe(text).tokenizer.mode == "keep"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_line("[model]\nbas = 'x'", below='adapter = "dna"'), "unknown key 'model.bas': did you mean 'model.base'?"),
        (MINIMAL + "[training]\nmax_step = 3\n", "unknown key 'training.max_step': did you mean 'training.max_steps'?"),
        (MINIMAL + "[training]\nhidden_size = 3\n", "unknown key 'training.hidden_size': did you mean 'model.scratch.hidden_size'?"),
        (MINIMAL + "thaw = []\n", "unknown key 'stage[0].thaw'; this table has name, steps, "),
        (MINIMAL + "optimizer_state = 'keep'\n", 'stage[0].optimizer_state = "keep" is not one of carry, reset'),
        (MINIMAL.replace('"character"', '"character"\nmode = "extend"'), 'tokenizer.mode = "extend" has nothing to extend with'),
        (MINIMAL + "[training]\noptimizer = 'lamb'\n", 'training.optimizer = "lamb" is not one of adamw, stable_adamw, muon'),
        (MINIMAL + "[training]\nseed = true\n", "training.seed = true is a boolean; a whole number is wanted"),
        (MINIMAL + "[training]\nmax_length = 1e2\n", "training.max_length = 100.0 is a number; a whole number is wanted; write 100"),
        (MINIMAL + "[training]\nlearning_rate = '1e-3'\n", 'training.learning_rate = "1e-3" is a string; a number is wanted'),
        (MINIMAL + "[training]\nlearning_rate = nan\n", "training.learning_rate = nan is not a finite number"),
        (MINIMAL + "[training]\nweight_decay = inf\n", "training.weight_decay = inf is not a finite number"),
        (MINIMAL + "[training]\nlearning_rate = 0\n", "training.learning_rate = 0 is outside 0..10 (without 0 itself)"),
        (MINIMAL + "[training]\nseed = -1\n", "training.seed = -1 is outside 0..4294967295"),
        (MINIMAL + "[training]\nseed = 18446744073709551616\n", "training.seed = 18446744073709551616 does not fit in 64 bits"),
        (MINIMAL + "[training]\nbeta2 = 1.0\n", "training.beta2 = 1 must be below 1"),
        (MINIMAL + "[training]\nbatch_tokens = 64\n", "training.max_length = 512 is above batch_tokens = 64: a sample must fit in a step"),
        (MINIMAL + "[training]\nseed = 2026-01-01\n", 'training.seed = "2026-01-01" is a date or time; a whole number is wanted'),
        (MINIMAL + "[model]\ndropout = 'bas'\n", "model.dropout = \"bas\" is not one of base: did you mean 'base'?"),
        (MINIMAL + "[model.scratch]\nnum_heads = 3\n", "model.scratch.hidden_size = 128 is no multiple of num_heads = 3"),
        (MINIMAL + "[model.scratch]\nhidden_size = 36\n", "model.scratch.hidden_size = 36 over num_heads = 4 is 9 a head; rotary"),
        (MINIMAL + "[model]\nrevision = 'abc'\n", 'model.revision = "abc" has no meaning with base = "scratch"'),
        (CORRUPTION + "rate = 1.5\n", "stage[0].corruption.rate = 1.5 is outside 0..1"),
        (CORRUPTION + "mask = 0.9\nrandom = 0.2\n", "stage[0].corruption has mask = 0.9 and random = 0.2: together 1.1"),
        (CORRUPTION + "rate = {shape = 'linear', from = 2, to = 0.1}\n", "stage[0].corruption.rate.from = 2 is outside 0..1"),
        (CORRUPTION + "rate = {shape = 'linear', from = 0.2}\n", "stage[0].corruption.rate.to is missing"),
        (CORRUPTION + "rate = {shape = 'linear', from = 0.1, to = 0.2, low = 0.1}\n", "unknown key 'stage[0].corruption.rate.low'"),
        (CORRUPTION + "rate = {shape = 'sample', low = 0.5, high = 0.2}\n", "stage[0].corruption.rate has low = 0.5 above"),
        (CORRUPTION + "rate = {shape = 'step'}\n", 'stage[0].corruption.rate = {"shape": "step"} is no schedule; write'),
        (CORRUPTION + "options = {unit = 'kmer'}\n", "unknown key 'stage[0].corruption.options.unit'"),
        (
            CORRUPTION + "select = 'unit'\noptions = {unit = 'kmr'}\n",
            "stage[0].corruption.options.unit = \"kmr\": adapter dna has the units kmer: did you mean 'kmer'?",
        ),
        (MINIMAL + "[stage.schedule]\nwarmup_steps = 60\ndecay_steps = 50\n", "stage[0].schedule has warmup_steps = 60 and decay_steps"),
        (MINIMAL + "[stage.objectives]\nrtd = 1.0\n", 'stage[0].objectives.rtd = "rtd" is not one of mlm'),
        (MINIMAL + "[stage.objectives]\nmlm = 0.0\n", "stage[0].objective has no objective with a weight above 0"),
        (MINIMAL + "[stage.objectives]\nmlm = 1\n[[stage.objective]]\nkind = 'mlm'\n", "stage[0].objectives stands beside"),
        (MINIMAL + "mix = {man = 1.0}\n", "stage[0].mix.man names no corpus to train on; there are: main: did you mean 'main'?"),
        (MINIMAL + "mix = {main = 0.0}\n", "stage[0].mix has no weight above 0"),
        (MINIMAL + "epochs = 2\n", "stage[0] must have exactly one of steps, tokens and epochs above 0; it has steps = 100, epochs = 2"),
        (MINIMAL.replace("steps = 100", ""), "stage[0] must have exactly one of steps, tokens and epochs above 0; it has none"),
        (MINIMAL + "[[stage]]\nsteps = 3\n", 'stage[0].name = "mlm" is the name of stage[1] too; give each its own'),
        (MINIMAL.replace("[[stage]]", "[stage]"), 'stage = {"steps": 100} is a table; an array of tables is wanted: [[stage]]'),
        (with_line("name = 'a/b'", below="[corpus]"), 'corpus.name = "a/b" may only have letters, digits, _ and -'),
        (with_line("role = 'validation'", below="[corpus]"), 'corpus has no source with role = "train"'),
        (with_line("views = {reverse = 1}", below="[corpus]"), "corpus.views.reverse is no view of adapter dna; it has reverse_complement"),
        (with_line("views = {reverse_complement = -1}", below="[corpus]"), "corpus.views.reverse_complement = -1 is below 0"),
        (with_line("options = {colum = 'x'}", below="[corpus]"), "unknown key 'corpus.options.colum': did you mean"),
        (with_line("options = {window = 3}", below="[corpus]"), "corpus.options.window = 3 is below 64"),
        (with_line("options = {format = 'fastq'}", below="[corpus]"), 'corpus.options.format = "fastq" is not one of auto, fasta, genbank'),
        (MINIMAL.replace('["sample"]', '"sample"'), 'corpus.sources = "sample" is a string; a list is wanted: ["sample"]'),
        (MINIMAL.replace('["sample"]', "[]"), 'corpus.sources is empty; name files, folders, globs or "sample", or use --corpus'),
        (MINIMAL.replace('"character"', '"charcter"'), 'tokenizer.kind = "charcter": adapter dna has character, kmer, bpe: did you mean'),
        (MINIMAL.replace('"character"', '""'), "tokenizer.kind is missing; adapter dna has character, kmer, bpe"),
        (with_line("options = {k = 6}", below='kind = "character"'), "unknown key 'tokenizer.options.k'; this table has no keys"),
        (MINIMAL.replace('"character"', '"kmer"\noptions = {k = 9}'), "tokenizer.options.k = 9 is outside 2..7"),
        (with_line("mode = 'keep'", below='kind = "character"'), 'tokenizer.mode = "keep" has nothing to keep with model.base = "scratch"'),
        (
            MINIMAL.replace('adapter = "dna"', 'adapter = "dn"'),
            "adapter = \"dn\": no adapter is called 'dn'; there are: biomedical, crystals, dna, ",
        ),
        (MINIMAL.replace('adapter = "dna"', ""), "adapter is missing"),
        (MINIMAL.replace('adapter = "dna"', 'adapter = "dna"\nschema = 2'), "schema = 2, this program reads schema 1"),
    ],
)
def test_a_problem_names_its_key_and_what_is_accepted(problems, text, message):
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_every_problem_is_shown_at_once(problems):
    text = CORRUPTION + "rate = 1.5\nmask = 0.9\nrandom = 0.2\n[training]\nmax_step = 5\nseed = 1.5\n[extra]\n"
    keys = [line.split(" ")[0] if not line.startswith("unknown") else line.split("'")[1] for line in problems(text)]
    assert sorted(keys) == ["extra", "stage[0].corruption", "stage[0].corruption.rate", "training.max_step", "training.seed"]


def test_corpora_need_names_of_their_own(problems):
    text = MINIMAL.replace("[corpus]", "[[corpus]]") + '[[corpus]]\nsources = ["sample"]\n'
    assert problems(text) == ['corpus[0].name = "main" is the name of corpus[1] too; give each its own']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"adapter = \n", "is not valid TOML: Invalid value (at line 1, column 11)"),
        (b"adapter = 'dna'\nadapter = 'dna'\n", "is not valid TOML: Cannot overwrite a value (at line 2, column 16)"),
        (b"# caf\xe9\n", "is not UTF-8 text (byte 5, line 1)"),
        (b"a = " + b"[" * 5000, "is not valid TOML"),
        (b"a = 1" + b"0" * 5000, "is not valid TOML"),
        (b"\x1f\x8b\x08\x00" + bytes(50), "is not UTF-8 text (byte 1, line 1)"),
        (b"#" * (1 << 20) + b"\n", "is larger than 1048576 bytes; this is not a recipe"),
    ],
)
def test_what_is_no_recipe_file(tmp_path, content, message):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as error:
        load_recipe(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match=r"cannot be read \(Is a directory\)"):
        load_recipe(tmp_path)
    with pytest.raises(RecipeError, match=r"no recipe is called 'dan': did you mean 'dna'\?; there are: .*dna"):
        load_recipe("dan")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load_recipe(path).stage[0].steps == 100


def test_the_designs_form_is_toml_that_only_lacks_later_keys(problems):
    """Keys of later parts of the design are errors today, one line each; nothing else is."""
    text = MINIMAL + "freeze = ['body']\nattention = 'causal'\noptimizer_state = 'carry'\n[tokenizer_later]\ninit = 'mean'\n"
    assert tomllib.loads(text)
    assert [line.split("'")[1] for line in problems(text)] == ["tokenizer_later"]


GENERAL = """
adapter = "dna"
[tokenizer]
kind = "character"
[[corpus]]
sources = ["sample"]
[[corpus]]
name = "general"
sources = ["sample"]
role = "replay"
[[stage]]
"""
NONE = "names no corpus to train on; there are: main"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("steps = 9\n", "stage[0].mix is missing: with a corpus for replay each stage says how much of it: mix = { main = 0.95, general"),
        ("steps = 9\nmix = { main = 1.0 }\n", 'corpus[1].role = "replay", but no stage mixes it in; to measure forgetting on it'),
        ("steps = 9\nmix = { main = 1.0, genral = 0.1 }\n", f"stage[0].mix.genral {NONE}, general: did you mean 'general'?"),
        ("epochs = 1.0\nmix = { general = 1.0 }\n", "stage[0].epochs counts passes over corpora to train on, and the mix has none"),
    ],
)
def test_replay_is_mixed_in_by_weight(problems, stage, message):
    (found,) = problems(GENERAL + stage)
    assert found.startswith(message)


def test_a_meter_is_never_trained_on(problems):
    text = GENERAL.replace("replay", "meter") + "steps = 9\nmix = { main = 1.0, general = 0.1 }\n"
    assert problems(text) == [f"stage[0].mix.general {NONE}"]
