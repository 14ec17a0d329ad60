"""Where webhooks never go, whatever the address looks like."""

from ipaddress import ip_address, ip_network

import pytest

from events.webhooks import wire
from events.webhooks.targets import TargetRefused, is_public, parse_target, plain, refuse_hopeless

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
NOT_EVEN_ADDRESSES = [
    "",
    "erp.example.com/hooks",
    "//erp.example.com/hooks",
    "ftp://erp.example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "https://",
    "https:///hooks",
    "https://?x=1",
    "https://user@erp.example.com/",
    "https://user:word@erp.example.com/",
    "https://:@erp.example.com/",
    "https://@erp.example.com/",
    "https://erp.example.com@127.0.0.1/",
    "https://erp.example.com/#secret",
    "https://erp.example.com/#",
    "https://erp.example.com:0/",
    "https://erp.example.com:99999/",
    "https://erp.example.com:x/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://erp.example.com/a b",
    "https://erp.example.com\\@127.0.0.1/",
    "https://erp.example.com/\r\nHost: inside",
    "https://erp.example.com/\t",
    "https://erp.example.com/\u2028",
    "https://" + "a" * 500 + ".example.com/",
]
NUMBERS = [
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://erp.example.com.127/",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:830::200e"]


def as_url(address):
    return f"https://[{address}]/hooks" if ":" in address else f"https://{address}/hooks"


def test_there_are_enough_hostile_targets():
    assert len(INSIDE) + len(NOT_EVEN_ADDRESSES) + len(NUMBERS) >= 80


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_or_of_no_host_is_not_public(address):
    assert not is_public(plain(ip_address(address)))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_ordinary_address_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_no_endpoint_can_be_made_for_an_address_inside(address):
    with pytest.raises(TargetRefused):
        refuse_hopeless(parse_target(as_url(address)), ())


@pytest.mark.parametrize("url", NOT_EVEN_ADDRESSES)
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(TargetRefused):
        parse_target(url)


@pytest.mark.parametrize("url", NUMBERS)
def test_a_number_in_place_of_a_host_is_refused(url):
    with pytest.raises(TargetRefused):
        refuse_hopeless(parse_target(url), ())


def test_plain_http_is_refused_unless_there_is_a_network_it_might_be_for():
    target = parse_target("http://erp.example.com/hooks")

    with pytest.raises(TargetRefused, match="https"):
        refuse_hopeless(target, ())

    refuse_hopeless(target, [ip_network("10.0.0.0/8")])


def test_a_listed_network_opens_its_own_addresses_only():
    company = [ip_network("10.1.0.0/16"), ip_network("fd12::/16")]

    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::7"):
        refuse_hopeless(parse_target(as_url(address)), company)
    for address in ("10.2.0.1", "127.0.0.1", "fd13::7", "169.254.169.254"):
        with pytest.raises(TargetRefused):
            refuse_hopeless(parse_target(as_url(address)), company)


def test_an_international_name_is_asked_for_in_its_ascii_form():
    target = parse_target("https://bücher.example:8443/häfen?a=ü")

    assert (target.host, target.port_number) == ("xn--bcher-kva.example", 8443)
    assert target.path == b"/h%C3%A4fen?a=%C3%BC"


@pytest.fixture
def no_connection(monkeypatch):
    """Fail if anything is connected to."""

    def refuse(*args, **kwargs):
        raise AssertionError("connected")

    monkeypatch.setattr("socket.create_connection", refuse)


def send(url, *found, networks=()):
    return wire.post(
        parse_target(url),
        headers={},
        body=b"{}",
        networks=networks,
        resolve=lambda *_: list(found),
        limit_s=2,
    )


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_stands_for_an_address_inside_is_not_connected_to(no_connection, address):
    with pytest.raises(wire.NotReached, match="target_refused"):
        send("https://erp.example.com/hooks", address)


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_that_also_stands_for_an_address_inside_is_not_trusted_at_all(no_connection, order):
    with pytest.raises(wire.NotReached, match="target_refused"):
        send("https://erp.example.com/hooks", *["93.184.216.34", "10.0.0.1"][::order])


def test_plain_http_to_a_public_address_is_not_connected_to(no_connection):
    with pytest.raises(wire.NotReached, match="https"):
        send("http://erp.example.com/hooks", "93.184.216.34", networks=[ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    "name", ["localhost", "ip6-localhost", "localhost.", "127.1", "0x7f.1", "2130706433"]
)
def test_the_names_of_this_machine_lead_nowhere(no_connection, name):
    target = parse_target(f"https://{name}/")

    with pytest.raises(wire.NotReached, match=r"target_refused|name_not_resolved"):
        wire.post(target, headers={}, body=b"{}", networks=(), limit_s=5)
