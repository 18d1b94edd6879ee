"""Sensitive data that a pattern finds, by AWS's names for it: where it stands in a text.

AWS finds names, addresses and the like by machine learning; those cannot be asked for here.
Source: SNS developer guide, "Managed data identifiers".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

PREFIX = "arn:aws:dataprotection::aws:data-identifier/"
CARD_DIGITS = range(13, 20)
IBAN_LENGTHS = {"DE": 22, "ES": 24, "FR": 27, "GB": 22, "IT": 27}
VEHICLE_LETTERS = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
VEHICLE_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _is_card(text: str) -> bool:
    """Luhn's check digit."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return len(digits) in CARD_DIGITS and doubled % 10 == 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_iban(text: str) -> bool:
    """ISO 7064: the number, its head behind its tail and letters as numbers, leaves 1 of 97."""
    plain = text.replace(" ", "")
    digits = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return len(plain) == IBAN_LENGTHS[plain[:2]] and int(digits) % 97 == 1


def _is_vehicle(text: str) -> bool:
    """ISO 3779, as North America checks it: the ninth place is the check digit."""
    total = sum(
        weight * (int(sign) if sign.isdigit() else VEHICLE_LETTERS[sign])
        for sign, weight in zip(text, VEHICLE_WEIGHTS, strict=True)
    )
    return text[8] == "0123456789X"[total % 11]


class Pattern(NamedTuple):
    expression: re.Pattern[str]
    is_one: Callable[[str], bool] | None = None


def _key(kind: str) -> Pattern:
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    return Pattern(re.compile(rf"{begin}(?:[^-]|-(?!----))*{end}"))


PATTERNS = {
    "AwsSecretKey": Pattern(
        re.compile(
            r"(?i:aws_secret_access_key|aws secret key|secret key|secret access key|credentials)\W{1,20}"
            r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        )
    ),
    "CreditCardNumber": Pattern(re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])"), _is_card),
    "EmailAddress": Pattern(
        re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
    ),
    "IpAddress": Pattern(
        re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:]|\.\d)"),
        _is_address,
    ),
    "OpenSshPrivateKey": _key("OPENSSH PRIVATE KEY"),
    "PgpPrivateKey": _key("PGP PRIVATE KEY BLOCK"),
    "PkcsPrivateKey": _key(r"(?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY"),
    "PuttyPrivateKey": Pattern(
        re.compile(r"PuTTY-User-Key-File-\d: (?:[^P]|P(?!uTTY-User-Key)){1,9000}?Private-MAC: [0-9a-fA-F]+")
    ),
    "PhoneNumber-US": Pattern(
        re.compile(r"(?<![\w-])(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-]?)[2-9]\d{2}[ .-]?\d{4}(?![\w-])")
    ),
    "Ssn-US": Pattern(re.compile(r"(?<![\w-])(?!000|666|9)\d{3}([ -])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])")),
    "VehicleIdentificationNumber": Pattern(re.compile(r"(?<![\w-])[A-HJ-NPR-Z0-9]{17}(?![\w-])"), _is_vehicle),
}
for _country in IBAN_LENGTHS:
    PATTERNS[f"BankAccountNumber-{_country}"] = Pattern(
        re.compile(rf"(?<!\w){_country}\d{{2}}(?: ?[A-Z0-9]){{11,30}}(?!\w)"), _is_iban
    )


def found(name: str, text: str) -> list[tuple[int, int]]:
    """Begin and end of each place, in order and apart from each other."""
    expression, is_one = PATTERNS[name]
    group = "value" if "value" in expression.groupindex else 0
    return [place.span(group) for place in expression.finditer(text) if is_one is None or is_one(place[group])]
