"""Reading the environment: every odd value stops the start with its name, itself and what is allowed."""

import ipaddress
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import environ
import schwifty
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from schwifty.exceptions import SchwiftyException

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

YES: Final = ("1", "true", "yes", "on")
NO: Final = ("0", "false", "no", "off")


class OddValue(ImproperlyConfigured):
    """A variable of the environment that the portal cannot start with."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name}={value!r} is not possible. Allowed: {allowed}.")


class Environment:
    """Typed access to environment variables; names the variable in every complaint."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None, *, needed_because: str = "") -> str:
        """Read a text; an empty variable counts as absent."""
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. {needed_because}".strip())
        return default

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise OddValue(name, value, " or ".join(allowed))
        return value

    def choices(self, name: str, allowed: Sequence[str], default: Sequence[str]) -> list[str]:
        """Read a list of distinct words, parted by commas."""
        values = self.words(name, default)
        if len(set(values)) != len(values) or not set(values) <= set(allowed):
            raise OddValue(name, ",".join(values), "each at most once, of " + ", ".join(allowed))
        return values

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        values = self.text(name, ",".join(default)).split(",")
        return [value.strip() for value in values if value.strip()]

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no").lower()
        if value not in YES + NO:
            raise OddValue(name, value, ", ".join(YES + NO))
        return value in YES

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise OddValue(name, value, f"a whole number from {least} to {most}")
        return int(value)

    def parsed(self, name: str, default: str, parse: Callable[[str], Any], allowed: str) -> Any:
        """Read a text that `parse` understands; its ValueError becomes the complaint."""
        value = self.text(name, default)
        try:
            return parse(value)
        except (ValueError, KeyError, TypeError) as error:
            raise OddValue(name, value, allowed) from error

    def database(self, name: str, default: str | None) -> dict[str, Any]:
        """Read a database URL: `sqlite:///FILE` or `postgres://USER:PASSWORD@HOST:PORT/NAME`."""
        value = self.text(name, default)
        if urlsplit(value).scheme not in ("sqlite", "postgres", "postgresql"):
            # The value may hold a password: it is not repeated.
            raise OddValue(name, value.split(":")[0] + ":...", "sqlite:///FILE or postgres://...")
        return dict(environ.Env.db_url_config(value))


def origin(value: str) -> str:
    """Read an origin, `https://HOST[:PORT]`, without a path."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(value)
    return f"{parts.scheme}://{parts.netloc}"


def scanner_address(value: str) -> str | tuple[str, int] | None:
    """Read where clamd listens: `unix:/PATH` or `HOST:PORT`; nothing means that files are not scanned."""
    if not value:
        return None
    if value.startswith("unix:/"):
        return value.removeprefix("unix:")
    host, colon, port = value.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(value)
    return host.strip("[]"), int(port)


def company_account(iban: str, bic: str, *, sample: Sequence[str], is_needed: bool) -> tuple[str, str]:
    """
    Check the company's own account: IBAN and BIC, both or neither; `sample` counts if neither is set.

    Bank files need it (`is_needed`), and so does the import of statements.
    """
    own = "COMPANY_IBAN", "COMPANY_BIC"
    if not iban and not bic and (sample or not is_needed):
        iban, bic = sample or ("", "")
    elif not (iban and bic):
        allowed = "together: COMPANY_IBAN and COMPANY_BIC, both; the rail bank_file needs them"
        raise OddValue(own[bool(bic)], iban or bic, allowed)
    for name, value, kind in zip(own, (iban, bic), (schwifty.IBAN, schwifty.BIC), strict=True):
        try:
            is_odd = bool(value) and not kind(value)
        except SchwiftyException:
            is_odd = True
        if is_odd:
            raise OddValue(
                name, value, "the one of the company's account in the SEPA zone, with right check digits"
            )
    if iban and not schwifty.IBAN(iban).in_sepa_zone:
        raise OddValue("COMPANY_IBAN", iban, "an account in the SEPA zone")
    return str(schwifty.IBAN(iban)) if iban else "", str(schwifty.BIC(bic)) if bic else ""


def networks(value: str) -> tuple[Network, ...]:
    """Read addresses and networks (`10.0.0.0/8`), parted by commas."""
    return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())


def time_zone(value: str) -> str:
    """Read the exact name of a zone that the pinned time zone data holds."""
    if value not in resources.files("tzdata").joinpath("zones").read_text().split():
        raise ValueError(value)
    return value


def approval_limits(value: str) -> dict[str, Decimal]:
    """
    Read amounts per currency, `{"EUR": "1000.00"}`: up to them any second person approves.

    Amounts are decimal strings; a currency that is not named has the limit 0.
    """
    limits = json.loads(value)
    if not isinstance(limits, dict):
        raise ValueError(value)
    return {_currency(code): _amount(amount) for code, amount in limits.items()}


def _currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError(code)
    return code


def _amount(text: object) -> Decimal:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,4})?", text):
        raise ValueError(text)
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error


def field_keys(value: str) -> list[str]:
    """Read keys for secrets at rest, parted by commas; the first one encrypts, all decrypt."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for key in keys:
        Fernet(key)
    if not keys:
        raise ValueError(value)
    return keys


def stripe_key(value: str) -> str:
    """Read a restricted or secret key of Stripe, of live or test mode; nothing means none."""
    if value and not re.fullmatch(r"(rk|sk)_(live|test)_[A-Za-z0-9_]{8,250}", value):
        raise ValueError
    return value


def webhook_secrets(value: str) -> tuple[str, ...]:
    """Read signing secrets of Stripe's webhooks, parted by commas; each of them is good."""
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    if not all(re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{16,250}", part) for part in found):
        raise ValueError
    return found


def own_secrets(file: Path) -> dict[str, Any]:
    """
    Read this installation's secrets, made at its first start (mode 0600).

    Two processes that start at once end up with the same ones: the first link of the name wins.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = {"SECRET_KEY": secrets.token_urlsafe(50), "FIELD_KEYS": [Fernet.generate_key().decode()]}
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(made, stream)
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    found: dict[str, Any] = json.loads(file.read_text())
    return found
