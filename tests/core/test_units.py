from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.format import size
from tunewise.core.units import UNITS, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1 B", 1),
        ("8 GB", 8 * 10**9),
        ("8gb", 8 * 10**9),
        ("8 GiB", 8 * 2**30),
        ("0.5 KiB", 512),
        (" 2 TB ", 2 * 10**12),
    ],
)
def test_a_size_is_a_number_and_a_unit(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "8", "GB", "-1 GB", "8 gigs", "8 G", "1e3 MB", "8 GB 2", "0 B", "0.2 B", "NaN GB"]
)
def test_what_is_no_size_is_refused_with_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_bytes(text)


@given(st.integers(1, 999), st.sampled_from(["B", "kB", "MB", "GB", "TB"]))
def test_what_is_shown_reads_back(number: int, unit: str) -> None:
    count = number * UNITS[unit]
    assert parse_bytes(size(count)) == count
