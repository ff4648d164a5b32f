"""The rows that the tests of the transform stage start from."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

COLUMNS = """
- {name: year, logicalType: integer}
- {name: month, logicalType: integer}
- {name: word, logicalType: string}
"""


def readings(**columns: list[object]) -> pd.DataFrame:
    """Clean rows; None where a value is missing."""
    types = {"year": pa.int64(), "month": pa.int64(), "word": pa.string()}
    rows = max(map(len, columns.values()), default=0)
    return pd.DataFrame(
        {
            name: pd.array(columns.get(name, [None] * rows), dtype=pd.ArrowDtype(kind))
            for name, kind in types.items()
        }
    )
