from __future__ import annotations

import pytest

from cli.costs.sizes import bytes_of, spoken
from cli.errors import CliError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1_048_576),
        ("30MB", 30_000_000),
        ("30 mb", 30_000_000),
        ("30M", 30_000_000),
        ("2GiB", 2_147_483_648),
        ("1.5 GB", 1_500_000_000),
        ("500kB", 500_000),
        ("500KiB", 512_000),
        ("1TB", 1_000_000_000_000),
        ("12B", 12),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "MB", "3XB", "-3MB", "3,5MB", "1e6", "3iB", "3 MB MB"])
def test_what_is_no_size_is_told_with_an_example(text: str) -> None:
    with pytest.raises(CliError, match="is no size") as raised:
        bytes_of(text)
    assert "30MB" in str(raised.value)


@pytest.mark.parametrize("text", ["0", "0MB", "0.1B"])
def test_files_have_a_byte_at_least(text: str) -> None:
    with pytest.raises(CliError, match="empty file"):
        bytes_of(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (31_053_850, "31.1 MB"),
        (2_147_483_648, "2.1 GB"),
        (3_000_000_000_000, "3.0 TB"),
    ],
)
def test_sizes_in_words(size: int, text: str) -> None:
    assert spoken(size) == text
