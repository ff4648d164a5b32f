from __future__ import annotations

import os
import stat
import subprocess
import sysconfig
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aws_cdk import FileSystem
from aws_cdk import aws_lambda as lambda_

from infra.packaging import layers
from infra.packaging.layer_rules import LEFT_OUT, Left
from infra.packaging.layers import LayerBuildError, Platform, built_layer, built_layers
from tests.infra.packaged import BUILD, interpreter, locked, machine_layers
from tests.infra.synthesis import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ON_LINUX = pytest.mark.skipif(
    not sysconfig.get_platform().startswith("linux-"), reason="layers hold code for Linux"
)
PYTHON_3_13_BYTECODE = (3571).to_bytes(2, "little") + b"\r\n"
"""First bytes of bytecode for 3.13 (CPython, `Include/internal/pycore_magic_number.h`)."""

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
assert table.filter(pc.field("a") > 1).equals(kept)
joined = kept.join(table.group_by("b").aggregate([("a", "sum")]), "b").sort_by("a")
assert joined["a_sum"].to_pylist() == [2, 3], joined
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
assert frame.groupby("b")["c"].mean().tolist() == [4, 6]
assert pandas.date_range("2013-03-10", periods=2, tz="America/New_York")[1].dst()
assert len(frame.sample(1, random_state=numpy.random.default_rng(0))) == 1
assert numpy.allclose(numpy.linalg.solve([[2.0, 0], [0, 4]], [2, 4]), 1)
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


@ON_LINUX
def test_packages_work_without_what_is_left_out(tmp_path: Path) -> None:
    # GIVEN the same layers, built by the same rules for the machine that runs this test
    python, here = interpreter()
    folders = [str(layer / "python") for layer in machine_layers(tmp_path, here).values()]
    # WHEN an interpreter without any other package uses what the functions use
    finished = subprocess.run(
        [python, "-I", "-S", "-c", USE_OF_EVERYTHING, *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN nothing is missing
    assert finished.returncode == 0, finished.stderr


def test_every_module_of_a_layer_has_bytecode_of_the_functions_python() -> None:
    assert f"python{Platform().python_version}" == lambda_.Runtime.PYTHON_3_13.name
    for layer in built_layers(root=ROOT, build=BUILD).values():
        modules = [*layer.rglob("*.py")]
        assert modules
        for module in modules:
            made = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
            head = made.read_bytes()[:8]
            assert head[:4] == PYTHON_3_13_BYTECODE
            # PEP 552: by the source's hash, which is not looked at
            assert int.from_bytes(head[4:], "little") == 0b01
        assert len([*layer.rglob("*.pyc")]) == len(modules)


SMALL = "python-dateutil six"
"""Packages of the small layer that the tests below build: pure Python, a second to build."""


def small_lock(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "layer-small.txt"
    pins = locked((ROOT / "requirements" / "layer-pandas.txt").read_text())
    lock.write_text("".join(pins[name] for name in SMALL.split()))
    return lock


def test_same_lock_file_gives_the_same_layer_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(folder: Path, umask: int, *, cache: Path | None) -> tuple[str, set[int]]:
        if cache:
            monkeypatch.setenv("UV_CACHE_DIR", str(cache))
        previous = os.umask(umask)
        try:
            layer = built_layer(lock=small_lock(folder), build=folder)
        finally:
            os.umask(previous)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in layer.rglob("*")}
        return FileSystem.fingerprint(str(layer)), modes

    # GIVEN two places of different length, umasks and times; one build downloads everything anew
    monkeypatch.setenv("UV_COMPILE_BYTECODE", "1")  # as some set it for their own environments
    first = built(tmp_path / "a", 0o022, cache=None)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    second = built(tmp_path / "another" / "place", 0o077, cache=tmp_path / "empty")
    # THEN the CDK's fingerprint, which names the asset, is the same
    assert first == second
    assert first[1] == {0o755, 0o644}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers without packages, whose names are what a test is about."""
    monkeypatch.setattr(
        layers, "_install", lambda _lock, packages, _platform: packages.mkdir(parents=True)
    )
    monkeypatch.setattr(layers, "add_bytecode", lambda *_folders, place: None)


@pytest.mark.usefixtures("quick")
def test_layer_is_found_again(tmp_path: Path) -> None:
    lock = small_lock(tmp_path)
    layer = built_layer(lock=lock, build=tmp_path)
    (layer / "mark").touch()
    assert (built_layer(lock=lock, build=tmp_path) / "mark").exists()


@pytest.mark.usefixtures("quick")
def test_layer_is_built_anew_for_another_lock_platform_rule_or_way_of_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(platform: Platform | None = None) -> str:
        return built_layer(lock=lock, build=tmp_path, platform=platform).name

    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n")
    names = [built()]
    assert [built(), built(Platform())] == names * 2
    # WHEN one of them is another
    names += [
        built(replace(Platform(), python_version="3.14")),
        built(replace(Platform(), python_platform="x86_64-manylinux_2_28")),
    ]
    lock.write_text("a==2\n")
    names.append(built())
    monkeypatch.setattr(layers, "LEFT_OUT", (*LEFT_OUT, Left("x", "y")))
    names.append(built())
    maker = tmp_path / "maker.py"
    maker.write_text("")
    monkeypatch.setattr(layers, "MAKERS", (*layers.MAKERS, maker))
    names.append(built())
    maker.write_text("# edited")
    names.append(built())
    # THEN so is the layer
    assert len(set(names)) == len(names)


def test_lock_file_that_cannot_be_installed_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "layer-x.txt"
    lock.write_text("pyarrow==26.0.1\n")  # without its hash
    with pytest.raises(LayerBuildError, match=r"cannot build the layer of layer-x\.txt"):
        built_layer(lock=lock, build=tmp_path)
    assert list((tmp_path / "layers").iterdir()) == []
