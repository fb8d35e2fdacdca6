"""Objectives, companions and the short form of distillation in a recipe."""

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.document import from_dict, to_dict, to_toml
from domainbert.recipe.load import load_recipe
from domainbert.recipe.schema import Companion, Objective, Ramp

MINIMAL = """
adapter = "dna"
[tokenizer]
kind = "character"
[corpus]
sources = ["sample"]
"""
STAGE = "[[stage]]\nsteps = 100\n"
TEACHER = "[companion.teacher]\nmodel = 'x'\n"


def align(**keys: object) -> str:
    return "[[stage.objective]]\nkind = 'align'\n" + "".join(
        f"{name} = {value}\n" for name, value in {"companion": "'teacher'", **keys}.items()
    )


@pytest.fixture
def recipe(tmp_path):
    def load(text: str, **arguments):
        path = tmp_path / "r.toml"
        path.write_text(text)
        return load_recipe(path, **arguments)

    return load


@pytest.fixture
def problems(recipe, tmp_path):
    def find(text: str, **arguments) -> list[str]:
        with pytest.raises(RecipeError) as error:
            recipe(text, **arguments)
        return [line.removeprefix(f"{tmp_path / 'r.toml'}: ") for line in str(error.value).splitlines()]

    return find


def test_the_short_form_means_a_companion_and_one_objective_in_every_stage(recipe):
    stages = "[[stage]]\nname = 'a'\nsteps = 10\n[[stage]]\nname = 'b'\nsteps = 10\n[stage.objectives]\nmlm = 0.5\n"
    short = "[distillation]\nteacher = 'x'\nalign = 'both'\nweight = 2.0\nphase = 'random'\ndistance = 'cosine'\n"
    loaded = recipe(MINIMAL + stages + short)
    assert loaded.companion == {"teacher": Companion("x", phase="random")}
    term = Objective("align", 2.0, companion="teacher", positions="both", distance="cosine")
    assert loaded.stage[0].objective == (Objective("mlm"), term)
    assert loaded.stage[1].objective == (Objective("mlm", 0.5), term)
    assert from_dict(to_dict(loaded)) == loaded
    written = align(weight=2.0, positions="'both'", distance="'cosine'")
    long = "[[stage]]\nname = 'a'\nsteps = 10\n[[stage.objective]]\nkind = 'mlm'\n" + written
    long += "[[stage]]\nname = 'b'\nsteps = 10\n[[stage.objective]]\nkind = 'mlm'\nweight = 0.5\n"
    long += written + TEACHER + "phase = 'random'\n"
    assert recipe(MINIMAL + long) == loaded
    assert recipe(to_toml(loaded)) == loaded


def test_the_command_line_sets_the_teacher(recipe):
    short = recipe(MINIMAL + STAGE + "[distillation]\nteacher = 'x'\n")
    assert recipe(MINIMAL + STAGE, teacher="x") == short
    assert recipe(MINIMAL + STAGE + "[distillation]\nteacher = 'y'\n", teacher="x") == short
    assert recipe(MINIMAL + STAGE + align() + TEACHER, teacher="z").companion["teacher"].model == "z"
    weighted = recipe(MINIMAL + STAGE, teacher="x", overrides=["distillation.weight=0.5", "distillation.align=hidden"])
    assert weighted.stage[0].objective[1] == Objective("align", 0.5, companion="teacher", positions="hidden")


def test_positions_are_filled_in_by_kind(recipe):
    loaded = recipe(MINIMAL + STAGE + align() + "[[stage.objective]]\nkind = 'logit'\ncompanion = 'teacher'\n" + TEACHER)
    assert [each.positions for each in loaded.stage[0].objective] == ["visible", "hidden"]


def test_weights_may_change_and_names_tell_terms_apart(recipe):
    text = STAGE + align(name="'near'", weight="{shape = 'linear', from = 1.0, to = 0.0}") + align(name="'far'", positions="'hidden'")
    loaded = recipe(MINIMAL + text + TEACHER)
    assert loaded.stage[0].objective[0].weight == Ramp("linear", 1.0, 0.0)
    assert [each.title for each in loaded.stage[0].objective] == ["near", "far"]


MASKS = "[stage.corruption]\nmask = 1.0\nrandom = 0.0\n"
MLM, QUERY = (f"[[stage.objective]]\nkind = '{kind}'\n" for kind in ("mlm", "masked_query"))
COMPANION = "[stage.corruption]\nselect = 'companion'\noptions = {companion = 'techer'}\n"


def test_queries_stand_beside_alignment_at_visible_positions(recipe):
    loaded = recipe(MINIMAL + STAGE + MASKS + QUERY + align() + "[[stage.objective]]\nkind = 'mlm'\nweight = 0.0\n" + TEACHER)
    assert [each.kind for each in loaded.stage[0].objective if each.active] == ["masked_query", "align"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STAGE + "[distillation]\nteacher = 'x'\nweigth = 1\n", "unknown key 'distillation.weigth': did you mean"),
        (STAGE + "[distillation]\nalign = 'visible'\n", "distillation.teacher is missing; name a folder or a Hub id, or use"),
        (STAGE + "[distillation]\nteacher = 'x'\nalign = 'vissible'\n", 'distillation.align = "vissible" is not one of visible'),
        (STAGE + "[distillation]\nteacher = ''\n", "distillation.teacher is empty; name a folder or a Hub id"),
        (STAGE + align() + TEACHER + "[distillation]\nteacher = 'x'\n", "distillation stands beside [companion.teacher]; write"),
        (STAGE + align(), 'stage[0].objective[0].companion = "teacher" is no companion; the recipe has none: add [companion.teacher]'),
        (STAGE + align(companion="'techer'") + TEACHER, 'stage[0].objective[0].companion = "techer" is no companion; there are'),
        (STAGE + TEACHER, "companion.teacher is used by no objective and no corruption; add one"),
        (STAGE + align(temperature=2.0) + TEACHER, 'stage[0].objective[0].temperature = 2.0 has no meaning for kind = "align"; its'),
        (STAGE + align(layers="[[1]]") + TEACHER, "stage[0].objective[0].layers[0] = [1] is no pair of layers [student, teacher]"),
        (STAGE + align(data="['mian']") + TEACHER, 'stage[0].objective[0].data has "mian", no corpus to train on; there are: main'),
        (STAGE + align() * 2 + TEACHER, 'stage[0].objective has 2 objectives called "align"; add up'),
        (STAGE + align(weight="{shape = 'sample', low = 0, high = 1}") + TEACHER, "stage[0].objective[0].weight is drawn for each sample"),
        (STAGE + align(weight=0) + TEACHER, "stage[0].objective has no objective with a weight above 0"),
        (STAGE + COMPANION + align() + TEACHER, 'stage[0].corruption.options.companion = "techer" is no companion; there are'),
        (STAGE + align() + TEACHER + "trust_remote_code = true\n", "companion.teacher.trust_remote_code = true needs a pinned revision"),
        (STAGE + QUERY, 'stage[0].corruption.mask = 0.8: "masked_query" leaves hidden tokens out of the input; set mask = 1.0, random'),
        (STAGE + MASKS + MLM + QUERY, 'stage[0].objective[0] is of hidden tokens, which "masked_query" leaves out of the input; take it'),
        (STAGE + MASKS + QUERY + align(positions="'both'") + TEACHER, "stage[0].objective[1] is of hidden tokens, which"),
        (STAGE + align() + TEACHER + "train = true\n", "companion.teacher.train = true: only frozen companions are supported"),
        (STAGE + align() + TEACHER + "modle = 'x'\n", "unknown key 'companion.teacher.modle': did you mean"),
        (
            STAGE + "[[stage.objective]]\nkind = 'logit'\ncompanion = 'teacher'\n" + TEACHER + "phase = 'random'\n",
            'stage[0].objective[0] needs tokens that line up; with companion.phase = "random" they do not',
        ),
        (
            STAGE + align() + "[[stage]]\nname = 'b'\nsteps = 9\n" + align(projection="'none'") + TEACHER,
            'stage[1].objective[0] is called "align" like stage[0].objective[0], and differs in projection; give it a name of its own',
        ),
    ],
)
def test_a_problem_names_its_key(problems, text, message):
    found = problems(MINIMAL + text)
    assert len(found) == 1, found
    assert found[0].startswith(message)


CAUSAL = "[[stage]]\nsteps = 100\nattention = 'causal'\n"


def test_a_causal_stage_predicts_next_tokens(recipe):
    loaded = recipe(MINIMAL + CAUSAL + "[distillation]\nteacher = 'x'\n" + STAGE.replace("steps", "name = 'later'\nsteps"))
    assert loaded.stage[0].objective == (Objective("clm"),)
    assert [term.kind for term in loaded.stage[1].objective] == ["mlm", "align"]
    assert from_dict(to_dict(loaded)) == loaded


def test_objectives_and_attention_must_fit(problems):
    assert problems(MINIMAL + STAGE + "[stage.objectives]\nclm = 1.0\n") == [
        "stage[0].objectives.clm = \"clm\" needs a stage with attention = \"causal\"; this one has \"bidirectional\""
    ]
    assert problems(MINIMAL + CAUSAL + "[[stage.objective]]\nkind = 'mlm'\n[[stage.objective]]\nkind = 'regression'\n") == [
        f'stage[0].objective[{index}].kind = "{kind}" needs a stage with attention = "bidirectional"; this one has "causal"'
        for index, kind in enumerate(("mlm", "regression"))
    ]
    assert problems(MINIMAL + CAUSAL + "[stage.corruption]\nrate = 0.3\n") == [
        'stage[0].corruption has no meaning with attention = "causal", where nothing is hidden; leave the table out'
    ]
    assert problems(MINIMAL + STAGE.replace("100", "100\nattention = 'casual'"))[0].startswith('stage[0].attention = "casual"')


CROSS = "[[stage.objective]]\nkind = 'mlm'\n[[stage.objective]]\nkind = 'regression'\npooling = 'cross'\n"


def test_halves_are_for_corpora_of_pairs(problems, recipe):
    pairs = "adapter = 'drug_target'\n[tokenizer]\nkind = 'atom-residue'\n[[corpus]]\nsources = ['sample']\n"
    assert recipe(pairs + STAGE + CROSS).stage[0].objective[1].pooling == "cross"
    assert problems(MINIMAL + STAGE + CROSS) == [
        'stage[0].objective[1].pooling = "cross" reads the halves of pairs, and adapter dna of corpus "main" has none; '
        'take pooling = "first" or "mean", or name corpora of pairs in data'
    ]
    other = "[[corpus]]\nname = 'other'\nadapter = 'molecules'\nsources = ['sample']\n"
    assert 'adapter molecules of corpus "other" has none' in problems(pairs + other + STAGE + CROSS)[0]
    for fitting in (STAGE + CROSS + "data = ['main']\n", STAGE + "mix = { main = 1.0 }\n" + CROSS, STAGE + CROSS + "weight = 0.0\n"):
        assert recipe(pairs + other + fitting)


def test_a_head_of_one_name_has_one_pooling(problems):
    pairs = "adapter = 'drug_target'\n[tokenizer]\nkind = 'atom-residue'\n[corpus]\nsources = ['sample']\n"
    stages = "".join(STAGE.replace("]]\n", f"]]\nname = '{name}'\n") + CROSS.replace("cross", name) for name in ("first", "cross"))
    assert problems(pairs + stages) == [
        'stage[1].objective[1] is called "regression" like stage[0].objective[1], and differs in pooling; give it a name of its own'
    ]


def test_overrides_reach_into_a_short_form_that_an_override_wrote(recipe):
    """In the order in which they stand, so that none is lost."""
    short = "stage[0].objectives={mlm = 2.0, regression = 0.5}"
    overrides = [short, "stage[0].objective.regression.pooling=mean", "stage[0].objective.mlm.weight=3.0"]
    mlm, regression = recipe(MINIMAL + STAGE, overrides=overrides).stage[0].objective
    assert (mlm.kind, mlm.weight) == ("mlm", 3.0)
    assert (regression.kind, regression.weight, regression.pooling) == ("regression", 0.5, "mean")
