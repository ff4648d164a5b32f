from __future__ import annotations

import pytest

from pipeline.authoring.profile_layout import Layout, layout_of_text
from pipeline.plan_contract import Source

ROWS = "".join(f"{at};{at}.5;{'abc'[at % 3]}\n" for at in range(1, 30))
HEADER = "id;speed;name\n"


def found(text: str, delimiter: str = ";") -> tuple[tuple[int, ...], str, int]:
    layout = layout_of_text(text, text, Source("csv", delimiter))
    return layout.header_rows, layout.comment, layout.footer_rows


def test_a_plain_file_has_no_layout_to_speak_of() -> None:
    text = HEADER + ROWS
    assert layout_of_text(text, text, Source("csv", ";")) == Layout(("id", "speed", "name"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Report of May\n\nby the harbour\n" + HEADER + ROWS, ((4,), "", 0)),
        ("Report of May;;\n" + HEADER + ROWS, ((2,), "", 0)),
        ('"a note\nof two lines"\n' + HEADER + ROWS, ((3,), "", 0)),
        ("# made by x\n" + HEADER + ROWS, ((1,), "#", 0)),
        (HEADER + "# in the middle\n" + ROWS, ((1,), "#", 0)),
        ("#id;speed;name\n" + ROWS, ((1,), "", 0)),
        (HEADER + ";km/h;\n" + ROWS, ((1, 2), "", 0)),
        ("Made: May; by the harbour\n\n" + HEADER + ROWS, ((3,), "", 0)),
        ("Speeds\n" + HEADER + "[-];[km/h];\n" + ROWS, ((2, 3), "", 0)),
        (HEADER + ROWS + "Total;435.0;\n", ((1,), "", 1)),
        (HEADER + ROWS + "\nSource: harbour office\n29 rows\n\n", ((1,), "", 2)),
        (HEADER + ROWS + "Total;;\n\nSource: harbour office\n", ((1,), "", 3)),
    ],
)
def test_lines_that_are_no_rows_are_found(
    text: str, expected: tuple[tuple[int, ...], str, int]
) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS + "30;cut o",  # a file that breaks off has lost something
        HEADER + ";NA;\n" + ROWS,  # a word for no value is no unit
        "id;speed\n" + ROWS,  # a header that is too short is no note
        ";x\n1;2\n3;4\n5;6\n",  # a column without a name is no note
        "one column\n" + "x\n" * 30,
        "",
    ],
)
def test_other_lines_are_rows(text: str) -> None:
    assert found(text) == ((1,), "", 0)


def test_what_is_taken_for_no_data_is_told() -> None:
    text = "Report\n" + HEADER + ROWS + "Total;435.0;\n# end\n"
    assert layout_of_text(text, text, Source("csv", ";")).notes == (
        "lines that begin with # are taken for comments",
        "the columns are named in line 2; lines above are passed over",
        "the last 2 lines are taken for totals or remarks, not for rows",
    )


def test_a_backslash_before_quotes_is_found() -> None:
    text = HEADER + "".join(f'{at};{at}.5;"the \\"{at}\\"; mine"\n' for at in range(10))
    layout = layout_of_text(text, text, Source("csv", ";"))
    assert (layout.escape, layout.applied(Source("csv", ";")).double_quote) == ("\\", False)


def test_spaces_after_delimiters_are_found() -> None:
    text = (HEADER + ROWS).replace(";", "; ")
    layout = layout_of_text(text, text, Source("csv", ";"))
    assert (layout.names, layout.skip_initial_space) == (("id", "speed", "name"), True)
    assert layout.notes == ("spaces after a delimiter are passed over",)


def test_names_are_those_of_the_header() -> None:
    text = "Report\n" + "id;speed;speed\n" + ";km/h;mph\n" + ROWS.replace(";a", ";1")
    text = text.replace(";b", ";2").replace(";c", ";3")
    layout = layout_of_text(text, text, Source("csv", ";"))
    assert layout.names == ("id", "speed km/h", "speed mph")
