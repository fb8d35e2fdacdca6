"""Whatever TOML a file holds and whatever is typed behind it: a recipe, or messages."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import RecipeError
from domainbert.recipe.document import from_dict, to_dict
from domainbert.recipe.load import load_recipe, recipe_from
from domainbert.recipe.schema import Recipe

WHOLE = to_dict(load_recipe("dna"))
words = st.sampled_from(["dna", "mlm", "main", "kmer", "sample"])
scalars = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just(date(2026, 1, 1)), words)
keys = st.sampled_from(["name", "kind", "k", "shape", "from", "mlm", "main", "steps", "unit", "reverse_complement", "x y", ""])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6)


def places(node, path=()):
    """Every path into a table."""
    if path:
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


def changed(node, path, value):
    """A copy with the value at a path replaced."""
    if not path:
        return value
    if isinstance(node, dict):
        return {**node, path[0]: changed(node[path[0]], path[1:], value)}
    return [changed(each, path[1:], value) if index == path[0] else each for index, each in enumerate(node)]


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(places(WHOLE), key=str)), values)
def test_any_value_anywhere_gives_a_recipe_or_messages(path, value):
    try:
        recipe = recipe_from(changed(WHOLE, path, value), "x.toml")
    except RecipeError as error:
        assert str(error).startswith("x.toml: ")
    else:
        assert isinstance(recipe, Recipe)
        assert from_dict(to_dict(recipe)) == recipe


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(places(WHOLE), key=str)), st.text(max_size=12) | values.map(str))
def test_any_override_gives_a_recipe_or_messages(path, value):
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    try:
        assert isinstance(load_recipe("dna", overrides=[f"{key}={value}"]), Recipe)
    except RecipeError as error:
        assert str(error)
