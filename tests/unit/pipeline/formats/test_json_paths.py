from __future__ import annotations

from typing import Any

import pytest

from pipeline.formats.json_paths import path_of, top_level_names, value_at


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.b", ("a", "b")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a[0][12]", ("a", 0, 12)),
        ("['odd.name']", ("odd.name",)),
        ("['a.b'].c", ("a.b", "c")),
        ('a["it\'s"]', ("a", "it's")),
        ("first name.x y", ("first name", "x y")),
    ],
)
def test_paths(name: str, path: tuple[Any, ...]) -> None:
    assert path_of(name) == path


@pytest.mark.parametrize(
    "name", ["", "a", "two words", ".a", "a.", "a..b", "a.[0]", "a[0]b", "a[", "a]", "[0]", "a[-1]"]
)
def test_names_that_are_no_paths(name: str) -> None:
    assert path_of(name) is None


ROW = {"a": {"b": [1, {"c": 2}]}, "a.b": "name", "odd.name": 3, "n": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.b", "name"),
        ("a.b[1].c", 2),
        ("a.b[2]", None),
        ("a.b.c", None),
        ("a[0]", None),
        ("['odd.name']", 3),
        ("n.x", None),
        ("absent", None),
    ],
)
def test_values(name: str, value: Any) -> None:
    assert value_at(ROW, name) == value


def test_names_at_the_top_level() -> None:
    assert top_level_names(["x", "a.b[0]", "['odd.name'].c"]) == {
        *("x", "a.b[0]", "['odd.name'].c"),
        *("a", "odd.name"),
    }
