from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.end_to_end.samples import flight, flights, output_table

if TYPE_CHECKING:
    from tests.end_to_end.cloud import Cloud

BAD = {
    2: ("month", "13", flight(2, month="13")),
    4: ("distance", "far", flight(4, distance="far")),
    5: ("carrier", "", flight(5, carrier="")),
    7: ("origin", "XXX", flight(7, origin="XXX")),
}
"""Row number (the first row below the header is 1), column, value, line."""


def test_bad_rows_are_set_aside_with_number_column_rule_and_value(cloud: Cloud) -> None:
    # GIVEN eight rows, four of them bad
    lines = [BAD[number][2] if number in BAD else flight(number) for number in range(1, 9)]

    ended = cloud.run("input/flights/bad rows.csv", flights(*lines))

    # THEN the good ones are written, the others explained
    run = ended.output
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert run["rows"]["read"] == 8
    assert run["rows"]["rejected"] == 4
    assert run["rows"]["written"] == 4
    written = output_table(cloud, run["outputs"]).column("flight").to_pylist()
    assert sorted(written) == [1, 3, 6, 8]

    [quarantine] = run["rejects"]["quarantine"]
    rejects = [json.loads(line) for line in cloud.read(quarantine).splitlines()]
    assert [reject["row_number"] for reject in rejects] == list(BAD)
    for reject in rejects:
        column, value, _ = BAD[reject["row_number"]]
        assert reject["column"] == column
        assert reject["value"] == value
        assert reject["rule"]
        assert reject["message"]


def test_the_command_says_so_and_is_content(cloud: Cloud) -> None:
    file = cloud.home / "flights.csv"
    file.write_bytes(flights(flight(1), flight(2, month="13"), flight(3)))

    ran = cloud.cli("run", file)

    assert ran.returncode == 0
    assert "SUCCEEDED_WITH_REJECTS" in ran.stdout
    assert "read 3 = written 2 + rejected 1" in ran.stdout
    assert "quarantine  s3://" in ran.stdout
