from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from infra.layer_rules import LEFT_OUT
from infra.layers import (
    LAYERS,
    LayerBuildError,
    Platform,
    built_layer,
    built_layers,
    unzipped_bytes,
)
from pipeline.constants import STAGES
from tests.infra.synthesis import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
HARD_LIMIT = 250 * MIB
ROOM_FOR_CODE = 10 * MIB

BUILD = ROOT / ".build"  # shared with synthesis: layers are built once for a lock file

ON_LINUX = pytest.mark.skipif(
    not sysconfig.get_platform().startswith("linux-"), reason="layers hold code for Linux"
)

USE_OF_EVERYTHING = """\
import sys
sys.path[:0] = sys.argv[1:]
import io
import duckdb, numpy, pandas
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv, pyarrow.ipc, pyarrow.json, pyarrow.parquet
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

table = pa.csv.read_csv(io.BytesIO(b"a,b\\n1,x\\n2,y\\n"))
lines = pa.json.read_json(io.BytesIO(b'{"a": 3, "b": "z"}\\n'))
table = pa.concat_tables([table, lines])
kept = table.filter(pc.greater(table["a"], 1))
parquet = io.BytesIO()
pa.parquet.write_table(kept, parquet, compression="zstd")
assert pa.parquet.read_table(io.BytesIO(parquet.getvalue())).equals(kept)
stream = io.BytesIO()
options = pa.ipc.IpcWriteOptions(compression="zstd")
with pa.ipc.new_stream(stream, kept.schema, options=options) as writer:
    writer.write_table(kept)
assert pa.ipc.open_stream(stream.getvalue()).read_all().equals(kept)
frame = kept.to_pandas(types_mapper=pandas.ArrowDtype)
frame["c"] = frame["a"] * numpy.int64(2)
back = pa.Table.from_pandas(frame, preserve_index=False)
summed = duckdb.connect().from_arrow(back).aggregate("sum(c)").fetchall()
assert summed == [(10,)], summed
Logger(service="s").info("x")
metrics = Metrics(namespace="n", service="s")
metrics.add_metric(name="m", unit=MetricUnit.Count, value=1)
metrics.flush_metrics()
outside = [
    name
    for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "")
]
assert not outside, outside
"""


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    layers = built_layers(root=ROOT, build=BUILD)
    return {name: unzipped_bytes(folder) for name, folder in layers.items()}


@pytest.mark.parametrize(
    ("stage", "aim_mib"), [(stage, 230 if stage == "transform" else 170) for stage in STAGES]
)
def test_function_fits_with_its_layers(sizes: dict[str, int], stage: str, aim_mib: int) -> None:
    layers = sum(sizes[layer.name] for layer in LAYERS if stage in layer.stages)
    assert layers <= aim_mib * MIB
    assert layers + ROOM_FOR_CODE <= HARD_LIMIT


def test_layers_are_for_the_functions_platform_and_bring_no_sdk() -> None:
    for layer in built_layers(root=ROOT, build=BUILD).values():
        packages = layer / "python"
        machines = {_machine(library) for library in packages.rglob("*.so*")}
        assert machines <= {"aarch64"}
        assert not [*packages.glob("boto*"), *packages.glob("s3transfer*")]


def _machine(library: Path) -> str:
    with library.open("rb") as file:
        header = file.read(20)
    return {62: "x86_64", 183: "aarch64"}[int.from_bytes(header[18:20], "little")]


def test_layer_holds_nothing_that_a_rule_leaves_out() -> None:
    for layer in built_layers(root=ROOT, build=BUILD).values():
        for rule in LEFT_OUT:
            assert not list((layer / "python").glob(rule.pattern)), rule


def test_every_rule_stands_once_and_says_why() -> None:
    assert all(rule.because for rule in LEFT_OUT)
    assert len({rule.pattern for rule in LEFT_OUT}) == len(LEFT_OUT)


def lock_for_this_interpreter(layer: str, folder: Path) -> Path:
    """Same packages as in the layer, in the versions that are locked for development.

    A layer's own versions may have no wheels for the interpreter that runs the tests.
    """
    layer_lock = (ROOT / "requirements" / f"layer-{layer}.txt").read_text()
    development = locked((ROOT / "requirements" / "dev.txt").read_text())
    lock = folder / f"layer-{layer}.txt"
    lock.write_text("".join(development[name] for name in locked(layer_lock)))
    return lock


def locked(text: str) -> dict[str, str]:
    """Requirements and hashes of each package in a lock file, by name."""
    packages: dict[str, str] = {}
    for block, name in re.findall(r"^(([a-z0-9-]+)==.*\n(?:    .*\n)*)", text, re.MULTILINE):
        packages[name] = packages.get(name, "") + block
    return packages


@ON_LINUX
def test_packages_work_without_what_is_left_out(tmp_path: Path) -> None:
    # GIVEN the same layers, built by the same rules for the machine that runs this test
    machine = sysconfig.get_platform().removeprefix("linux-")
    here = Platform(
        python_platform=f"{machine}-manylinux_2_28",
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    folders = [
        str(built_layer(lock=lock, build=BUILD, platform=here) / "python")
        for lock in (lock_for_this_interpreter(layer.name, tmp_path) for layer in LAYERS)
    ]
    # WHEN an interpreter without any other package uses what the functions use
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", USE_OF_EVERYTHING, *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN nothing is missing
    assert finished.returncode == 0, finished.stderr


def test_layer_is_found_again(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    first = built_layer(lock=lock, build=tmp_path)
    (first / "mark").touch()
    assert (built_layer(lock=lock, build=tmp_path) / "mark").exists()
    lock.write_text("# another\n")
    assert built_layer(lock=lock, build=tmp_path) != first


def test_lock_file_that_cannot_be_installed_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "layer-x.txt"
    lock.write_text("pyarrow==26.0.1\n")  # without its hash
    with pytest.raises(LayerBuildError, match=r"cannot build the layer of layer-x\.txt"):
        built_layer(lock=lock, build=tmp_path)
    assert list((tmp_path / "layers").iterdir()) == []
