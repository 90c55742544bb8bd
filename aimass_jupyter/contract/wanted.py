"""What is wanted of a value, in words: pydantic's faults as a person would say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_jupyter.contract.base import NAME_PATTERN

_WORDS = {
    "missing": "it is needed",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "string_type": "it must be text",
    "list_type": "it must be a list",
    "dict_type": "it must be a mapping",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "multiple_of": "it must be a multiple of {multiple_of}",
    "too_short": "it must have {min_length} or more",
    "too_long": "it must have {max_length} or fewer",
    "string_too_short": "it must have {min_length} or more characters",
    "string_too_long": "it must have {max_length} or fewer characters",
    "string_pattern_mismatch": "it must be written as it says here",
    "literal_error": "it must be {expected}",
    "value_error": "{error}",
}
_NAME = "it must begin with a letter or digit; letters, digits, '.', '_', '-' follow, 64 in all"


def wanted(fault: Mapping[str, Any]) -> str:
    """What a value must be, from one of pydantic's faults; pydantic's own words for a rare one."""
    context = fault.get("ctx", {})
    if fault["type"] == "string_pattern_mismatch" and context.get("pattern") == NAME_PATTERN:
        return _NAME
    words = _WORDS.get(fault["type"])
    return words.format(**context) if words else str(fault["msg"])
