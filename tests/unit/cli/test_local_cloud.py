from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli import local_cloud
from cli.errors import CliError
from cli.local_cloud import LocalCloud

if TYPE_CHECKING:
    from pathlib import Path


def test_a_platform_without_the_runtime_client_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_cloud, "RUNTIME_CLIENT", "not_built_for_this_platform")

    with pytest.raises(CliError, match="built for Linux only"):
        LocalCloud(tmp_path).start()

    assert list(tmp_path.iterdir()) == []
