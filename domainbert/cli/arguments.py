"""Arguments that several commands share."""

from typing import Annotated

import typer

RecipeOption = Annotated[str, typer.Option("--recipe", help="A shipped recipe's name, or a TOML file.", metavar="NAME|FILE")]
CorpusOption = Annotated[
    list[str] | None,
    typer.Option("--corpus", help="A path, folder, glob or 'sample' instead of the recipe's own sources; repeatable.", metavar="SRC"),
]
BaseOption = Annotated[str, typer.Option("--base", help="The model to continue: a folder, a Hub id, or 'scratch'.", metavar="MODEL")]
EncodingOption = Annotated[
    str, typer.Option("--encoding", help="Of the source files where it is not UTF-8, such as latin-1.", metavar="NAME")
]
TeacherOption = Annotated[
    str, typer.Option("--teacher", help="A frozen model to learn from beside the text: a folder or a Hub id.", metavar="MODEL")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Recipe keys to set, such as training.seed=3 or stage.mlm.steps=100.", metavar="KEY=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
