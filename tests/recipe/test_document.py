import json
import tomllib

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.document import fingerprint, from_dict, to_dict, to_toml
from domainbert.recipe.load import load_recipe
from domainbert.resources import recipe_files

CHANGES = [
    "stage[0].corruption.rate={shape='linear', from=0.3, to=0.05}",
    "stage[0].corruption.select=unit",
    "stage[0].corruption.options.unit=kmer",
    "stage[0].mix.main=2",
    "model.scratch.config={rope_theta = 1e4, layer_types = ['a', 'b'], nested = {x = 1, 'odd key' = true}}",
    'summary="quotes \\" back\\\\slash é \\u007f"',
]


@pytest.mark.parametrize("changes", [[], CHANGES])
@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_a_recipe_survives_json_and_toml(name, changes):
    if changes and load_recipe(name).adapter != "dna":
        pytest.skip("the changes name a unit of DNA")
    recipe = load_recipe(name, overrides=changes)
    assert from_dict(json.loads(json.dumps(to_dict(recipe)))) == recipe
    assert from_dict(tomllib.loads(to_toml(recipe))) == recipe


def test_fingerprint_follows_meaning_not_spelling(tmp_path):
    first = load_recipe("dna")
    path = tmp_path / "again.toml"
    path.write_text(to_toml(first))
    assert fingerprint(load_recipe(path)) == fingerprint(first)
    assert fingerprint(load_recipe("dna", overrides=["training.seed=1"])) != fingerprint(first)
    assert fingerprint(load_recipe("dna", overrides=["training.learning_rate=1"])) == fingerprint(
        load_recipe("dna", overrides=["training.learning_rate=1.0"])
    )


def test_a_recorded_recipe_is_checked_again():
    content = to_dict(load_recipe("dna"))
    content["training"]["seed"] = -1
    with pytest.raises(RecipeError, match=r"runs/x/recipe.json: training.seed = -1 is outside 0..4294967295"):
        from_dict(content, label="runs/x/recipe.json")
