"""The SDK's clients, made without what a function does not need of it."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from pipeline.start import seldom_collecting


class _OneService(Loader):
    """Loader of the SDK's descriptions that knows of one service.

    botocore's own looks into the folders of all its 400 services, twice, to see whether the one is
    among them: a fifth of the time that it takes to make a client.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def list_available_services(self, type_name: str) -> list[str]:
        return [self._service]


def new_client(service: str, config: Config | None = None) -> Any:
    """Return a client of a service; botocore's alone starts faster than boto3's."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _OneService(service))
    # Put together anew for each request, the user agent is a fifth of what that takes.
    fixed = Config(user_agent=session.user_agent())
    config = fixed.merge(config) if config else fixed
    with seldom_collecting():  # of 65 ms it would be 10
        return session.create_client(service, config=config)
