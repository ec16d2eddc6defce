"""What an answer in a conversation is worth: the same text, a well-formed one, and how long."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from tunewise.core.errors import SettingError
from tunewise.statistics import squad


@dataclass(frozen=True)
class Format:
    """What a well-formed answer is: JSON that fits a schema, a text that matches, or both."""

    validator: Draft202012Validator | None
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, json_schema: Mapping[str, Any] | None, pattern: str | None) -> Format:
        """The format that a study names.

        Raises:
            SettingError: the schema is none, or the expression.
        """
        if json_schema is not None:
            try:
                Draft202012Validator.check_schema(json_schema)
            except SchemaError as error:
                right = f"no JSON Schema: {error.message}."
                raise SettingError("json_schema", dict(json_schema), right) from error
        try:
            compiled = None if pattern is None else re.compile(pattern, re.DOTALL)
        except re.error as error:
            raise SettingError("pattern", pattern, f"no regular expression: {error}.") from error
        validator = None if json_schema is None else Draft202012Validator(json_schema)
        return cls(validator, compiled)

    def fits(self, answer: str) -> bool:
        """Whether a whole answer, blanks around it aside, is well formed.

        >>> Format.of({"required": ["a"]}, None).fits('{"a": 1}')
        True
        >>> Format.of({}, None).fits('Here it is: {"a": 1}')
        False
        """
        text = answer.strip()
        if self.pattern is not None and not self.pattern.fullmatch(text):
            return False
        if self.validator is None:
            return True
        try:
            value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return False
        return bool(self.validator.is_valid(value))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def conversed(answer: str, reference: str, form: Format | None) -> dict[str, float | None]:
    """The scores of one written answer, by the names of their metrics.

    >>> conversed("Rome.", "rome", None)["exact_match"]
    0.0
    >>> conversed("Rome.", "rome", None)["normalized_match"]
    1.0
    """
    return {
        "exact_match": float(answer.strip() == reference.strip()),
        "normalized_match": squad.exact_match(answer, [reference]),
        "f1": squad.f1(answer, [reference]),
        "well_formed": None if form is None else float(form.fits(answer)),
        "answer_characters": float(len(answer)),
    }
