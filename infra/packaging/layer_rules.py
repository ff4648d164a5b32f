"""What is left out of the layers: files that no function opens.

A function and its layers may hold 250 MB unzipped; as installed they would hold more. Every rule
says why its files can go; of the shared objects that stay, `infra/packaging/shared_objects.py`
takes the symbols. Mind what looks superfluous and is not: `libarrow_substrait` is linked by every
extension module of pyarrow. A test imports and uses what these rules leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Left:
    """Files and folders matching `pattern` (below the layer's packages) are left out."""

    pattern: str
    because: str


LEFT_OUT: Final = (
    Left("bin", "commands for a shell, with this machine's paths in them"),
    Left(".lock", "the installer's"),
    Left("*.dist-info/INSTALLER", "the installer's"),
    Left("*.dist-info/RECORD", "lists the files as they were installed"),
    Left("*.dist-info/REQUESTED", "the installer's"),
    Left("*.dist-info/WHEEL", "the installer's"),
    Left("*.dist-info/sboms", "for scanners of the package, not for its users"),
    Left("**/tests", "the packages' own tests"),
    Left("**/conftest.py", "the packages' own tests"),
    Left("**/*.pyi", "for type checkers"),
    Left("**/*-stubs", "for type checkers"),
    Left("**/*.pyx", "source of a compiled module"),
    Left("**/*.pxd", "for compilers"),
    Left("**/*.pxi", "for compilers"),
    Left("**/*.h", "for compilers"),
    Left("**/*.a", "for linkers"),
    Left("aws_lambda_powertools/event_handler", "no function answers web requests"),
    Left(
        "aws_lambda_powertools/utilities/[!_jpt]*", "only JMESPath, parameters and types are used"
    ),
    Left("adbc_driver_duckdb", "functions speak to DuckDB directly"),
    Left("duckdb/experimental", "Spark's interface to DuckDB"),
    Left("numpy/f2py", "for Fortran compilers"),
    Left("numpy/_core/_*tests.*", "the package's own tests"),
    Left("numpy/_core/_simd.*", "the package's own tests"),
    Left("pyarrow/include", "for compilers"),
    Left("pyarrow/includes", "for compilers"),
    Left("pyarrow/src", "for compilers"),
    Left("pyarrow/_pyarrow_cpp_tests.*", "the package's own tests"),
    Left("pyarrow/libarrow_python*.so", "for linkers: a copy of the file that is loaded"),
    Left("pyarrow/libarrow_python*.so.*.*.*", "a copy of the file that is loaded"),
    Left("pyarrow/_flight.*", "no function speaks Flight"),
    Left("pyarrow/libarrow_flight.*", "no function speaks Flight"),
    Left("pyarrow/libarrow_python_flight.*", "no function speaks Flight"),
    Left("pyarrow/_dataset_orc.*", "no dataset is ORC"),
    Left("pyarrow/_orc.*", "no dataset is ORC"),
    Left("pyarrow/*parquet_encryption.*", "Parquet is encrypted by S3"),
    Left("pyarrow/_azurefs.*", "functions reach no other store than S3"),
    Left("pyarrow/_gcsfs.*", "functions reach no other store than S3"),
    Left("pyarrow/_hdfs.*", "functions reach no other store than S3"),
    Left("pyarrow/_s3fs.*", "functions reach S3 through botocore"),
    Left("pyarrow/libarrow_s3.*", "functions reach S3 through botocore"),
)
