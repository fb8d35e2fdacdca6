import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.load import load_recipe
from domainbert.recipe.override import parse_value
from domainbert.recipe.schema import Objective, Ramp

TWO = """
adapter = "dna"
[tokenizer]
kind = "kmer"
[[corpus]]
sources = ["a.fa"]
[[corpus]]
name = "other"
sources = ["b.fa"]
[[stage]]
name = "warm"
steps = 10
[[stage]]
name = "long"
steps = 20
mix = { main = 0.5, other = 0.5 }
"""


@pytest.fixture
def two(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(TWO)
    return path


def test_overrides_win_over_the_file(two):
    recipe = load_recipe(
        two,
        overrides=[
            "training.seed=3",
            "training.learning_rate=1e-4",
            "stage[0].steps=100",
            "stage.long.steps = 200",
            "stage.long.mix.other=0.25",
            "stage.long.corruption.rate={shape='linear', from=0.3, to=0.1}",
            "stage.long.objective.mlm.weight=0.5",
            "stage.warm.objectives.mlm=0.25",
            "corpus.main.validation_fraction=0.2",
            "corpus.other.sources=['c.fa', 'd.fa']",
            "corpus.other.sources[0]=e.fa",
            "tokenizer.options.k=4",
            "model.base=scratch",
            "model.dropout=base",
            "summary=true",
        ],
    )
    assert (recipe.training.seed, recipe.training.learning_rate) == (3, 1e-4)
    assert [stage.steps for stage in recipe.stage] == [100, 200]
    assert recipe.stage[1].mix == {"main": 0.5, "other": 0.25}
    assert recipe.stage[1].corruption.rate == Ramp("linear", 0.3, 0.1)
    assert recipe.stage[0].objective == (Objective("mlm", 0.25),)
    assert recipe.stage[1].objective == (Objective("mlm", 0.5),)
    assert recipe.corpus[0].validation_fraction == 0.2
    assert recipe.corpus[1].sources == ("e.fa", "d.fa")
    assert recipe.tokenizer.options == {"k": 4}
    assert (recipe.model.dropout, recipe.summary) == ("base", "true")


def test_the_later_override_wins_and_a_table_can_be_set_as_a_whole(two):
    overrides = ["training.seed=3", "training.seed=4", "tokenizer.options={k=3}"]
    recipe = load_recipe(two, overrides=overrides)
    assert (recipe.training.seed, recipe.tokenizer.options["k"]) == (4, 3)


def test_a_single_corpus_needs_no_name(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text('adapter = "dna"\ntokenizer = {kind = "character"}\n')
    recipe = load_recipe(path, overrides=["corpus.validation_fraction=0.3", "stage.steps=7"], corpus=["x.fa", "y.fa"], base="scratch")
    assert recipe.corpus[0].validation_fraction == 0.3
    assert recipe.corpus[0].sources == ("x.fa", "y.fa")
    assert recipe.stage[0].steps == 7


def test_corpus_and_base_options(two):
    recipe = load_recipe(two, corpus=["mine.fa.gz"], base="some/model")
    assert [corpus.sources for corpus in recipe.corpus] == [("mine.fa.gz",), ("b.fa",)]
    assert (recipe.model.base, recipe.tokenizer.mode) == ("some/model", "keep")


def test_corpus_option_needs_a_corpus_called_main(two):
    two.write_text(TWO.replace("[[corpus]]\nsources", "[[corpus]]\nname = 'first'\nsources").replace("main =", "first ="))
    with pytest.raises(RecipeError, match=r"--corpus replaces the sources of the corpus 'main'.*\(it has first, other\)"):
        load_recipe(two, corpus=["mine.fa"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.seed", "is not KEY=VALUE"),
        ("=3", "is not KEY=VALUE"),
        ("training..seed=3", "is not KEY=VALUE"),
        ("training.seed=abc", 'training.seed = "abc" is a string; a whole number is wanted'),
        ("training.sed=3", "unknown key 'training.sed': did you mean 'training.seed'?"),
        ("trainin.seed=3", "unknown key 'trainin': did you mean 'training'?"),
        ("stage[2].steps=3", "stage[2] does not exist; stage has 2, counted from 0"),
        ("stage.lang.steps=3", "no stage is called 'lang'; there are: warm, long: did you mean 'long'?"),
        ("corpus.max_drop_rate=1", "no corpus is called 'max_drop_rate'; there are: main, other"),
        ("corpus.main.max_drop_rate=7", "corpus[0].max_drop_rate = 7 is outside 0..1"),
        ("training.seed.x=3", "training.seed is a whole number"),
        ("training[0]=3", "training is a table, not a list; leave out [0]"),
        ("stage.long.mix='x", "is not valid TOML"),
        ("corpus.main.sources=[a.fa]", "is not valid TOML"),
        ("corpus.main.sources=a.fa", 'corpus[0].sources = "a.fa" is a string; a list is wanted: ["a.fa"]'),
        ("stage.long.epochs=2", "stage[1] must have exactly one of steps, tokens and epochs above 0"),
        ("training.seed=1\nadapter=2", "is not valid TOML"),
        ("tokenizer.kind=character", "tokenizer.options"),
    ],
)
def test_a_wrong_override_is_named(two, override, message):
    two.write_text(TWO.replace('kind = "kmer"', 'kind = "kmer"\noptions = {k = 6}') + "[training]\nseed = 1\n")
    with pytest.raises(RecipeError) as error:
        load_recipe(two, overrides=[override])
    assert message in str(error.value)
    if override != "tokenizer.kind=character":  # there the file's own option is what no longer fits
        assert str(error.value).startswith(f"override {override}: ")


@pytest.mark.parametrize(
    ("text", "wants_string", "expected"),
    [("3", False, 3), ("3", True, "3"), ("'3'", True, "3"), ("1e-3", False, 1e-3), ("[1, 2]", False, [1, 2]), ("dna", False, "dna"),
     ("C:\\x", True, "C:\\x"), ("", True, ""), ("true", False, True), ("a = 3", True, "a = 3")],
)  # fmt: skip
def test_values(text, wants_string, expected):
    assert parse_value(text, wants_string=wants_string) == expected


def test_a_column_may_be_named_by_its_number(tmp_path):
    path = tmp_path / "numbered.toml"
    path.write_text('adapter = "urls"\ntokenizer = {kind = "bpe"}\ncorpus = {sources = ["a.tsv"], options = {kind_column = 1}}\n')
    options = load_recipe(path, overrides=["corpus.options.column=2", "corpus.options.id_column='3'"]).corpus[0].options
    assert (options["column"], options["kind_column"], options["id_column"]) == ("2", "1", "3")
    for wrong in ("column=2.5", "column=true", "encoding=8"):
        with pytest.raises(RecipeError, match="a string is wanted"):
            load_recipe(path, overrides=[f"corpus.options.{wrong}"])


def test_a_source_whose_name_is_no_text_is_refused(two):
    with pytest.raises(RecipeError, match=r'corpus\[0\].sources\[0\] = "caf\\udce9.fa" is not UTF-8 text; rename the file'):
        load_recipe(two, corpus=["caf\udce9.fa"])
