"""Whether the hub can be asked at all."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

HUB = "https://huggingface.co"


def hub_is_out_of_reach() -> bool:
    """Whether the hub's name leads nowhere from here, so that asking it would only take time.

    The hub's own library tries for half a minute before it says so. Behind a proxy nothing is
    known, and the answer is no. Called only for a study that names something on the hub.
    """
    if getproxies():
        return False
    address = urlsplit(os.environ.get("HF_ENDPOINT", HUB))
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return True
    return False
