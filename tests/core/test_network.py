from __future__ import annotations

import socket

import pytest

from tunewise.core import network


@pytest.mark.parametrize(
    ("proxies", "resolves", "out_of_reach"),
    [({}, False, True), ({}, True, False), ({"https": "http://proxy:1"}, False, False)],
)
def test_only_a_name_that_leads_nowhere_and_no_proxy_mean_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
    proxies: dict[str, str],
    resolves: bool,
    out_of_reach: bool,
) -> None:
    def look_up(host: object, port: object) -> list[object]:
        if not resolves:
            raise socket.gaierror(-2, "Name or service not known")
        return []

    monkeypatch.setattr(network, "getproxies", lambda: proxies)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert network.hub_is_out_of_reach() is out_of_reach
