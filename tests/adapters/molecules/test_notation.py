"""The choice of a notation, on machines with the library of SELFIES and without it."""

import pytest

from domainbert.adapters.molecules import MoleculesAdapter
from domainbert.adapters.molecules.options import MoleculesOptions
from domainbert.adapters.registry import load_adapter
from domainbert.errors import DomainBertError, RecipeError, StoreError, TokenizerError
from domainbert.recipe.load import load_recipe


@pytest.fixture
def absent(monkeypatch):
    from domainbert.adapters.molecules import translation

    monkeypatch.setattr(translation, "find_spec", lambda name: None)


def test_without_the_library_it_is_said_what_to_install(absent):
    with pytest.raises(DomainBertError, match=r"notation = 'selfies' needs the library selfies: pip install 'domainbert\[selfies\]'"):
        load_adapter("molecules", options={"notation": "selfies"})
    assert load_adapter("molecules").canonicalize("OCC") == "CCO", "SMILES need no library"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tokenizer.kind=selfies"], r'tokenizer.kind = "selfies" reads SELFIES, and corpus.options.notation = "smiles" writes SMILES'),
        (["corpus.options.notation=selfies"], r'tokenizer.kind = "atom" reads SMILES, and .* set tokenizer.kind = "selfies" or corpus.opt'),
        (["corpus.options.notation=selfies", "tokenizer.kind=selfies", "corpus.options.atom_maps=keep"], "set atom_maps = 'remove'"),
        (["corpus.options.notation=selfie"], "is not one of smiles, selfies"),
    ],
)
def test_settings_that_do_not_go_together_are_named(overrides, message):
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe("molecules", overrides=overrides)
    assert len(str(error.value).splitlines()) == 1


def test_settings_that_go_together():
    recipe = load_recipe("molecules", overrides=["corpus.options.notation=selfies", "tokenizer.kind=selfies"])
    assert (recipe.corpus[0].options["notation"], recipe.tokenizer.kind) == ("selfies", "selfies")
    load_recipe("molecules", base="some/base", overrides=["corpus.options.notation=selfies", "tokenizer.kind=atom", "tokenizer.mode=keep"])


def test_tokenizers_read_one_notation():
    with pytest.raises(TokenizerError, match=r'tokenizer.kind = "selfies" reads SELFIES'):
        MoleculesAdapter().tokenizer("selfies", None, (), model_max_length=64)
    with pytest.raises(RecipeError, match="no place for the class"):
        MoleculesOptions(notation="selfies", atom_maps="keep")


def test_a_store_that_was_spelled_otherwise_is_refused(tmp_path):
    """The store holds kekulised text: a run with another spelling would publish a contract that its model never saw."""
    from domainbert.corpus.build import build_store
    from domainbert.engine.folder import RunFolder
    from domainbert.pretraining.stores import adapter_of, make_tokenizer, open_stores

    (tmp_path / "a.smi").write_text("".join(f"{'C' * size}c1ccccc1\n" for size in range(1, 30)))
    set_ = [f"corpus.options.{each}" for each in ("form=kekulised", "max_atoms=40")]
    recipe = load_recipe("molecules", corpus=[str(tmp_path / "a.smi")], overrides=["corpus.validation_fraction=0", *set_])
    adapter = adapter_of(recipe, recipe.corpus[0])
    build_store(adapter, recipe.corpus[0], tmp_path / "store", make_tokenizer=lambda texts: make_tokenizer(recipe, adapter, texts), seed=0)
    for overrides, message in ((["form=canonical"], "form = 'kekulised', this run has the defaults"), (["form=kekulised"], "")):
        run = load_recipe("molecules", corpus=[str(tmp_path / "store")], overrides=[f"corpus.options.{each}" for each in overrides])
        folder = RunFolder(tmp_path / f"run-{overrides[0]}")
        folder.path.mkdir()
        folder.write_json(folder.recipe, {"recipe": {}})
        if message:
            with pytest.raises(StoreError, match=message):
                open_stores(folder, run, progress=False)
        else:
            assert len(open_stores(folder, run, progress=False)) == 1
