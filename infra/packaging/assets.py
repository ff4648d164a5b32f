"""First-party code of each function: its own stage, the shared code, the compiled datasets.

A function's asset holds nothing else, so that editing one stage moves that stage's asset alone
and editing tests, documents or the infrastructure moves none. A file in it says which code it is,
for a replay to tell whether a stage would do now what it did before.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.packaging.layers import absent_modules, lock_files
from infra.settings import Target
from pipeline.constants import CODE_HASH_FILE, ENV_LOCAL_PYTHON, LINEAGE_FUNCTION, STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    DatasetCompiler = Callable[[Path, Path], None]
    """Compiles the datasets in one folder into another (given in that order)."""

    CodeCompiler = Callable[..., None]
    """Puts bytecode beside the Python files of the folders that it is given."""

COMPILE_TIME_PACKAGE: Final = Path("pipeline/authoring")
"""Reads YAML and checks datasets at synth time; the functions get its results only."""

DATA_FILES: Final = {"write": (Path("pipeline/prices.json"),)}
"""What stages read beside code and datasets.

It is no part of the code's hash: a staged frame is the same whatever it cost.
"""

LOCAL_BOOTSTRAP: Final = f"""\
#!/bin/sh
# The local cloud starts this for every environment of the function. AWS's own runtime interface
# client reports errors as Lambda does; the interpreter is the one that runs the local cloud.
# It has everything installed: what the function's layers lack in AWS is hidden from it here too.
cd "$LAMBDA_TASK_ROOT" || exit 1
export PYTHONPATH="$LAMBDA_TASK_ROOT${{PYTHONPATH:+:$PYTHONPATH}}"
exec "${ENV_LOCAL_PYTHON}" -c 'import runpy, sys
class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in @ABSENT@:
            raise ModuleNotFoundError(f"No module named {{name}} in this function", name=name)
sys.meta_path.insert(0, Absent)
runpy.run_module("awslambdaric", run_name="__main__")' "$_HANDLER"
"""


def staged_assets(
    *,
    root: Path,
    build: Path,
    target: Target,
    compile_datasets: DatasetCompiler,
    compile_code: CodeCompiler | None = None,
) -> dict[str, Path]:
    """Folders to ship, by stage (and the sender's), made below `build` from sources in `root`.

    Without `compile_code` they hold no bytecode, which the local cloud's interpreter could not use.
    """
    folder = build / "assets" / target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        datasets = Path(scratch) / "datasets"
        datasets.mkdir()
        compile_datasets(root / "datasets", datasets)
        built = {name: Path(scratch) / name for name in (*STAGES, LINEAGE_FUNCTION)}
        for name, staged in built.items():
            _stage(staged, stage=name, root=root, datasets=datasets, target=target)
        if compile_code:
            compile_code(*built.values())
        for name, staged in built.items():
            _replace(folder / name, staged)
    return {name: folder / name for name in built}


def local_bootstrap(absent: list[str]) -> str:
    """Program that the local cloud starts for a function that lacks these modules."""
    return LOCAL_BOOTSTRAP.replace("@ABSENT@", json.dumps(absent))


def _stage(staged: Path, *, stage: str, root: Path, datasets: Path, target: Target) -> None:
    """Fill `staged` with all that the function of `stage` runs."""
    sources = list(_sources(root, stage))
    for source in sources:
        _copy(source, staged / source.relative_to(root))
    for data in DATA_FILES.get(stage, ()):
        _copy(root / data, staged / data)
    _write(staged / CODE_HASH_FILE, _code_hash([*sources, *lock_files(root, stage)], root))
    # The sender of lineage events needs no dataset.
    for compiled in sorted(datasets.rglob("*")) if stage in STAGES else ():
        if compiled.is_file() and "__pycache__" not in compiled.parts:
            _copy(compiled, staged / "datasets" / compiled.relative_to(datasets))
    if target is Target.LOCAL:
        bootstrap = staged / "bootstrap"
        _write(bootstrap, local_bootstrap(absent_modules(stage)))
        bootstrap.chmod(0o755)


def _sources(root: Path, stage: str) -> Iterator[Path]:
    """Python files that `stage` needs, in a fixed order."""
    yield root / "functions" / "__init__.py"
    yield from sorted((root / "functions" / stage).glob("*.py"))
    for source in sorted((root / "pipeline").rglob("*.py")):
        if not source.relative_to(root).is_relative_to(COMPILE_TIME_PACKAGE):
            yield source


def _code_hash(files: Iterable[Path], root: Path) -> str:
    """Hash of the files' paths below `root` and of their bytes.

    The datasets are not among them: what they make of a file is covered by their plan's hash.
    """
    digest = hashlib.sha256()
    for file in sorted(files):
        name, content = file.relative_to(root).as_posix().encode(), file.read_bytes()
        # With the lengths, no two lists of files are one when they are joined.
        digest.update(b"%d:%d:" % (len(name), len(content)) + name + content)
    return digest.hexdigest()


def _write(file: Path, content: str) -> None:
    """Write text, with a mode that depends on nobody's umask."""
    file.write_text(content, "utf-8")
    file.chmod(0o644)


def _copy(source: Path, copy: Path) -> None:
    """Copy the bytes, with a mode that depends on nobody's umask."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    copy.chmod(0o644)


def _replace(folder: Path, built: Path) -> None:
    """Put `built` in the place of `folder`."""
    if folder.exists():
        shutil.rmtree(folder)
    built.rename(folder)
