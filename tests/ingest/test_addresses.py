from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.ingest.addresses import AddressPolicy, RefusedAddressError, is_public, system_addresses
from docindex.ingest.urls import joined, normalised, site, usable


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1"),
        *("fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1"),
        "3fff::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@settings(deadline=None, max_examples=300)
@given(st.ip_addresses())
def test_nothing_counts_as_public_that_python_knows_to_be_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)) and address not in ipaddress.ip_network("64:ff9b::/96"):
        assert not address.is_private
        assert not any((address.is_multicast, address.is_loopback, address.is_link_local, address.is_unspecified))


@settings(deadline=None, max_examples=200)
@given(st.ip_addresses(v=4))
def test_the_ipv6_form_of_an_ipv4_address_is_judged_like_it(address: ipaddress.IPv4Address) -> None:
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
    assert is_public(f"::ffff:{address}") == is_public(str(translated)) == is_public(str(address))


def test_one_private_address_refuses_the_host() -> None:
    policy = AddressPolicy(resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(RefusedAddressError, match=r"intra\.example \(10\.0\.0\.1\) is not a public address"):
        policy.addresses("intra.example", 80)
    assert AddressPolicy(lambda address: True, policy.resolve).addresses("intra.example", 80) == ["8.8.8.8", "10.0.0.1"]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "::1"])
def test_every_spelling_of_the_own_machine_is_refused(host: str) -> None:
    try:
        system_addresses(host, 80)
    except socket.gaierror:
        pytest.skip("the resolver of this machine knows no such spelling")
    with pytest.raises(RefusedAddressError):
        AddressPolicy().addresses(host, 80)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.COM:80/a/../b?x=1#part", "http://example.com/b?x=1"),
        ("https://example.com:443", "https://example.com/"),
        ("https://example.com:8443", "https://example.com:8443/"),
        ("http://münchen.example/ü ß", "http://xn--mnchen-3ya.example/%C3%BC%20%C3%9F"),
        ("http://example.com/a%2Fb?q=a%20b", "http://example.com/a%2Fb?q=a%20b"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        (" http://example.com/ ", "http://example.com/"),
    ],
)
def test_addresses_have_one_form(url: str, expected: str) -> None:
    assert normalised(url) == expected
    assert normalised(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/", "file:///etc/passwd", "//example.com/", "http:///path", "http://a b/", "javascript:1"),
        *("http://example.com:0/", "http://example.com:70000/", "http://example.com:x/", "http://[::1", "http://"),
        f"http://example.com/{'a' * 9000}",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(LoadError):
        normalised(url)


def test_passwords_are_refused_and_never_repeated() -> None:
    with pytest.raises(LoadError, match="user name or password") as caught:
        normalised("https://me:s3cret@example.com/page?a@b")
    assert "s3cret" not in str(caught.value)
    assert caught.value.source == "https://example.com/page?a@b"


def test_redirects_are_joined_and_checked() -> None:
    base = usable("https://example.com/a/b")
    assert str(joined(base, "../c?d#e")) == "https://example.com/c?d"
    assert str(joined(base, "//other.example/x")) == "https://other.example/x"
    with pytest.raises(LoadError, match=r"redirects to ftp://other\.example/x, which is not an http or https"):
        joined(base, "ftp://other.example/x")
    with pytest.raises(LoadError) as caught:
        joined(base, "http://me:s3cret@other.example/")
    assert "s3cret" not in str(caught.value)


def test_a_site_is_its_host() -> None:
    assert site(usable("https://www.example.com/a")) == site(usable("http://example.com:8080/b")) == "example.com"
    assert site(usable("https://docs.example.com/")) != "example.com"
