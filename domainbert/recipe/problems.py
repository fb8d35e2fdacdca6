"""Collects everything that is wrong with a recipe, so that one run shows it all."""

from dataclasses import dataclass, field

from domainbert.errors import RecipeError


@dataclass
class Problems:
    """What is wrong with one recipe, each with where it was written.

    Args:
        origin: the recipe's file, for messages.
        overrides: texts of the command line's ``KEY=VALUE`` by the path they set.
        aliases: how a path stands in the file where a short form was used there.
    """

    origin: str
    overrides: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, path: str, text: str, *, because: tuple[str, ...] = ()) -> None:
        """Note a problem with the value at a path.

        Args:
            path: such as ``stage[0].corruption.rate``.
            text: what follows the path in the message, e.g. ``= 1.5 is outside 0..1``.
            because: paths of the values that cause a problem between several; one set on the command line is named as its origin.
        """
        self.failed += because or (path,)
        override = next((found for each in (path, *because) if (found := self._override_over(each))), "")
        self.lines.append(f"{override or self.origin}: {self.written(path)} {text}")

    def unknown(self, path: str, hint: str) -> None:
        """Note a key that the schema does not have; ``hint`` says what it may have meant."""
        self.failed.append(path)
        below = (f"override {text}" for target, text in self.overrides.items() if covers(path, target))
        origin = self._override_over(path) or next(below, self.origin)
        self.lines.append(f"{origin}: unknown key '{self.written(path)}'{hint}")

    def bare(self, line: str) -> None:
        """Note a problem that lies in no single value."""
        self.lines.append(line)

    def clean(self, *paths: str) -> bool:
        """Whether nothing is wrong at, above or below these paths, so that a rule over them makes sense."""
        return not any(covers(path, bad) or covers(bad, path) for path in paths for bad in self.failed)

    def raise_any(self) -> None:
        """Raise one ``RecipeError`` with every problem, one a line."""
        if self.lines:
            raise RecipeError("\n".join(dict.fromkeys(self.lines)))

    def written(self, path: str) -> str:
        """The path as the file spells it."""
        known = max((inner for inner in self.aliases if covers(inner, path)), key=len, default=None)
        return path if known is None else self.aliases[known] + path[len(known) :]

    def _override_over(self, path: str) -> str:
        found = max((target for target in self.overrides if covers(target, path)), key=len, default=None)
        return "" if found is None else f"override {self.overrides[found]}"


def covers(outer: str, inner: str) -> bool:
    """Whether ``inner`` is ``outer`` or lies below it."""
    return inner.startswith(outer) and (len(inner) == len(outer) or not outer or inner[len(outer)] in ".[")


def join(path: str, key: str) -> str:
    """The path of a key in the table at ``path``."""
    return f"{path}.{key}" if path else key
