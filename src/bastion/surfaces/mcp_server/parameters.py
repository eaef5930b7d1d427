"""Parameters: what a tool takes, as the schema that is published and the check that is made, from one place.

The check is ours and strict. An unknown or misspelt name is refused, never dropped, since a call that means
something else than its caller thinks must not reach an exchange. Error texts never repeat a value: an
argument can hold a key.
"""

import difflib
import math
import re
from collections.abc import Mapping

from bastion.errors import Refused
from bastion.shape import dataclass

# A name is repeated in an error only where it looks like a name, and nothing that could be a key.
_NAME = re.compile(r"(?!bst_|sk-)[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)

Value = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of at most `length_max` characters, without control characters."""

    description: str
    length_max: int
    required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of this parameter."""
        return {"type": "string", "description": self.description, "maxLength": self.length_max}

    def check(self, name: str, value: object) -> str:
        """Return the value.

        Raises:
            Refused: it is no text, too long, or holds control characters.
        """
        if not isinstance(value, str):
            raise Refused(f"`{name}` must be a text. Nothing was done.")
        if len(value) > self.length_max:
            raise Refused(f"`{name}` must be at most {self.length_max} characters long. Nothing was done.")
        if any(ord(character) < ord(" ") for character in value):
            raise Refused(f"`{name}` must not hold control characters or line breaks. Nothing was done.")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words, written as they are listed; `default` is what holds when it is left out."""

    description: str
    words: tuple[str, ...]
    default: str | None = None
    required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of this parameter."""
        schema: dict[str, object] = {
            "type": "string",
            "description": self.description,
            "enum": list(self.words),
        }
        return schema | ({} if self.default is None else {"default": self.default})

    def check(self, name: str, value: object) -> str:
        """Return the value.

        Raises:
            Refused: it is none of the words.
        """
        if not isinstance(value, str) or value not in self.words:
            raise Refused(f"`{name}` must be one of {', '.join(self.words)}. Nothing was done.")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A list of at least one and at most `count_max` names, each a short text without control characters.

    An empty list is refused: it could be meant as nothing or as everything.
    """

    description: str
    count_max: int = 100
    length_max: int = 64
    required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of this parameter."""
        return {
            "type": "array",
            "description": self.description,
            "items": {"type": "string", "minLength": 1, "maxLength": self.length_max},
            "minItems": 1,
            "maxItems": self.count_max,
        }

    def check(self, name: str, value: object) -> tuple[str, ...]:
        """Return the names.

        Raises:
            Refused: it is no list of such names; the text says what is wanted.
        """
        if not isinstance(value, list) or not 1 <= len(value) <= self.count_max:
            raise Refused(
                f"`{name}` must be a list of 1 to {self.count_max} names; leave it out to restrict nothing. "
                "Nothing was done."
            )
        one = Text(description="", length_max=self.length_max)
        names = tuple(one.check(name, item) for item in value)
        if not all(item.strip() for item in names):
            raise Refused(f"`{name}` must not hold an empty name. Nothing was done.")
        return tuple(item.strip() for item in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number within inclusive limits; `default` is what holds when it is left out.

    With `whole`, only integers are taken; 50.0 is one, as in JSON.
    """

    description: str
    minimum: float
    maximum: float
    default: float | None = None
    whole: bool = False
    required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of this parameter."""
        schema: dict[str, object] = {
            "type": "integer" if self.whole else "number",
            "description": self.description,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }
        return schema | ({} if self.default is None else {"default": self.default})

    def check(self, name: str, value: object) -> float:
        """Return the value.

        Raises:
            Refused: it is no finite number within the limits; true and false are none.
        """
        # A bool is an int to Python, but not to the person who wrote it.
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(f"`{name}` must be a number. Nothing was done.")
        if self.whole and value != int(value):
            raise Refused(f"`{name}` must be a whole number. Nothing was done.")
        if not self.minimum <= value <= self.maximum:
            raise Refused(f"`{name}` must be between {self.minimum} and {self.maximum}. Nothing was done.")
        return int(value) if self.whole else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false, and nothing that only looks like it; `default` holds when it is left out."""

    description: str
    default: bool = False
    required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the JSON schema of this parameter."""
        return {"type": "boolean", "description": self.description, "default": self.default}

    def check(self, name: str, value: object) -> bool:
        """Return the value.

        Raises:
            Refused: it is neither true nor false.
        """
        if not isinstance(value, bool):
            raise Refused(f"`{name}` must be true or false. Nothing was done.")
        return value


Parameter = Text | Choice | Names | Number | Flag
Parameters = Mapping[str, Parameter]


def input_schema(parameters: Parameters) -> dict[str, object]:
    """Return the closed JSON schema (2020-12) of a tool's arguments."""
    schema: dict[str, object] = {
        "type": "object",
        "properties": {name: parameter.schema() for name, parameter in parameters.items()},
        "additionalProperties": False,
    }
    required = [name for name, parameter in parameters.items() if parameter.required]
    return schema | ({"required": required} if required else {})


def check_arguments(parameters: Parameters, arguments: Mapping[str, object]) -> dict[str, Value]:
    """Return the given arguments, each checked; null counts as not given, as some clients send it so.

    Raises:
        Refused: a name is unknown, a required one is missing, or a value does not fit; the text says which.
    """
    for name in arguments:
        if name not in parameters:
            raise Refused(_unknown(name, parameters))
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, parameter in parameters.items():
        if parameter.required and name not in given:
            raise Refused(f"`{name}` is required. Nothing was done.")
    return {name: parameters[name].check(name, value) for name, value in given.items()}


def _unknown(name: str, parameters: Parameters) -> str:
    known = ", ".join(f"`{other}`" for other in parameters)
    if not _NAME.fullmatch(name):
        return f"An argument has a name that this tool does not take. It takes {known}. Nothing was done."
    close = difflib.get_close_matches(name, parameters, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"This tool takes no argument `{name}`.{hint} It takes {known}. Nothing was done."
