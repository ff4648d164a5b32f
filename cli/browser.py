"""Open something in the user's browser, where there can be one."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_in_browser(address: str) -> bool:
    """Open an address; say whether there is a display to show it on."""
    if not has_display():
        return False
    webbrowser.open(address)
    return True


def has_display() -> bool:
    """Whether a browser would have a window; Python would open one in the terminal, too."""
    on_x_or_wayland = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return sys.platform != "linux" or on_x_or_wayland
