from __future__ import annotations

import base64
import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rules import broken
from pipeline.string_formats import STRING_FORMATS

LABEL = "a" * 63
CASES: list[tuple[str, str, bool]] = [
    ("email", "o'brien+tag@mail.example.org", True),
    ("email", "user@localhost", True),
    ("email", "a@b@c.org", False),
    ("email", "a b@c.org", False),
    ("email", "a@-c.org", False),
    ("email", "@c.org", False),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000", True),
    ("uuid", "123E4567-E89B-12D3-A456-426614174000", True),
    ("uuid", "{123e4567-e89b-12d3-a456-426614174000}", False),
    ("uuid", "123e4567e89b12d3a456426614174000", False),
    ("uri", "https://user@example.org:8080/a/b?c=d&e#f", True),
    ("uri", "mailto:a@example.org", True),
    ("uri", "urn:isbn:0451450523", True),
    ("uri", "file:///tmp/x", True),
    ("uri", "http://[2001:db8::1]/", True),
    ("uri", "http://example.org/%20", True),
    ("uri", "example.org/a", False),
    ("uri", "/a/b", False),
    ("uri", "http://example.org/a b", False),
    ("uri", "http://example.org/%2", False),
    ("uri", "http://example.org/ä", False),
    ("uri", "http://[1::2::3]/", False),
    ("uri", "http://example.org/#a#b", False),
    ("uri", "1http://example.org", False),
    ("hostname", "example.org", True),
    ("hostname", "localhost", True),
    ("hostname", f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}", True),
    ("hostname", f"{LABEL}.{LABEL}.{LABEL}.{'a' * 62}", False),
    ("hostname", "a" * 64, False),
    ("hostname", "-a.org", False),
    ("hostname", "a..org", False),
    ("hostname", "a_b.org", False),
    ("ipv4", "192.168.0.1", True),
    ("ipv4", "256.1.1.1", False),
    ("ipv4", "1.1.1", False),
    ("ipv4", "01.1.1.1", False),
    ("ipv6", "::", True),
    ("ipv6", "::ffff:192.168.0.1", True),
    ("ipv6", "fe80::1%eth0", False),
    ("ipv6", "1:2:3:4:5:6:7", False),
    ("ipv6", "1:2:3:4:5:6:7:8:9", False),
    ("ipv6", "1::2::3", False),
    ("byte", "aGk=", True),
    ("byte", "", True),
    ("byte", "aGk", False),
    ("byte", "aG k", False),
]


def fits(name: str, text: str) -> bool:
    return broken("format", pa.array([text]), name).to_pylist() == [False]


@pytest.mark.parametrize(("name", "text", "good"), CASES)
def test_format(name: str, text: str, good: bool) -> None:
    assert fits(name, text) is good


def test_every_format_has_a_good_and_a_bad_case() -> None:
    assert {(name, good) for name, _, good in CASES} == {
        (name, good) for name in STRING_FORMATS for good in (True, False)
    }


@given(st.ip_addresses(v=4).map(str))
def test_ipv4_addresses_have_their_format(address: str) -> None:
    assert fits("ipv4", address)


@given(st.ip_addresses(v=6), st.booleans())
def test_ipv6_addresses_have_their_format(address: ipaddress.IPv6Address, full: bool) -> None:
    assert fits("ipv6", address.exploded if full else address.compressed)


@given(st.text("0123456789abcdefF:.", max_size=24))
def test_ipv6_addresses_are_those_of_python(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        assert not fits("ipv6", text)
    else:
        assert fits("ipv6", text)


@given(st.uuids().map(str))
def test_uuids_have_their_format(text: str) -> None:
    assert fits("uuid", text)


@given(st.binary())
def test_base64_has_its_format(data: bytes) -> None:
    assert fits("byte", base64.b64encode(data).decode())
