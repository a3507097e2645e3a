"""The console's texts: one catalogue, every string in Chinese with its English beside it.

`catalogue/*.toml` hold `key = ["中文", "English"]` under tables; a text is named `table.key`. A name that is missing is
a programming error and raises KeyError; tests/unit/api/console holds templates and catalogue against each other.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
LOCALES: Mapping[Language, str] = {"zh": "zh-CN", "en": "en-GB"}
"""The CLDR locale of each language, for lengths of time. Babel uses it here, and `Intl` in the page's scripts."""

Texts = Mapping[str, tuple[str, str]]


@cache
def catalogue() -> Texts:
    """Every text by name, as (Chinese, English). Raises ValueError for an entry that is not exactly these two."""
    texts: dict[str, tuple[str, str]] = {}
    for entry in sorted((files("api.console") / "catalogue").iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".toml"):
            continue
        for table, strings in tomllib.loads(entry.read_text(encoding="utf-8")).items():
            for key, pair in strings.items():
                name = f"{table}.{key}"
                if name in texts:
                    raise ValueError(f"{entry.name}: {name} is there twice")
                texts[name] = _checked(f"{entry.name}: {name}", pair)
    return texts


def _checked(where: str, pair: object) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) and text for text in pair):
        raise ValueError(f"{where} is not a Chinese and an English text")
    return pair[0], pair[1]


def language_of(chosen: str | None, fallback: str = "zh") -> Language:
    """The language to show: the one chosen by the switch, else the person's own, else Chinese."""
    for code in (chosen, fallback):
        if code in LANGUAGES:
            return code
    return "zh"


@dataclass(frozen=True)
class Translator:
    """Texts in one language. `translator("board.title")`; values fill the `{names}` in the text."""

    language: Language

    def __call__(self, name: str, /, **values: object) -> str:
        """The text `name`. Raises KeyError for a name or a value that is missing."""
        text = catalogue()[name][LANGUAGES.index(self.language)]
        return text.format(**values) if values else text

    def known(self, name: str) -> bool:
        """Whether there is such a text, for words that come from data, such as a provider's reason."""
        return name in catalogue()

    def table(self, prefix: str) -> dict[str, str]:
        """Every text of one table by its key, for the scripts of a page."""
        return {name.removeprefix(f"{prefix}."): self(name) for name in catalogue() if name.startswith(f"{prefix}.")}
