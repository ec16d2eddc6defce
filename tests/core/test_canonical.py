from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.canonical import canonical, changed_settings, digest, settings_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@dataclass(frozen=True)
class Settings:
    source: str
    rank: int = 8
    targets: tuple[str, ...] = ("query", "value")


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@given(JSON)
def test_canonical_text_is_a_fixed_point(value: object) -> None:
    import json

    assert canonical(json.loads(canonical(value))) == canonical(value)


def test_nan_has_no_hash() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"loss": float("nan")})


def test_only_what_differs_from_the_default_is_named() -> None:
    assert changed_settings(Settings("a")) == {"source": "a"}
    assert changed_settings(Settings("a", rank=4)) == {"source": "a", "rank": 4}
    assert settings_of(Settings("a"))["targets"] == ["query", "value"]
