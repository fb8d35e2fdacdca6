import pytest

from domainbert import resources
from domainbert.errors import RecipeError
from domainbert.resources import data_card_files, recipe_files, resource_folder


def test_every_recipe_and_data_card_of_the_checkout_is_found(repository):
    recipes = list((repository / "recipes").rglob("*.toml"))
    cards = list((repository / "data_cards").rglob("*.md"))
    assert sorted(recipe_files()) == sorted(path.stem for path in recipes)
    assert sorted(data_card_files()) == sorted(path.stem for path in cards)
    assert "dna" in recipe_files()


def test_the_package_folder_comes_before_the_repository(monkeypatch, tmp_path):
    package = tmp_path / "domainbert"
    (package / "recipes").mkdir(parents=True)
    (tmp_path / "recipes").mkdir()
    monkeypatch.setattr(resources, "PACKAGE", package)
    assert resource_folder("recipes") == package / "recipes"
    (package / "recipes").rmdir()
    assert resource_folder("recipes") == tmp_path / "recipes"


def test_a_broken_installation_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "domainbert")
    with pytest.raises(RecipeError, match="the installation is not whole"):
        resource_folder("recipes")
