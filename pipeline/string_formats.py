"""String formats of the contract standard, each as an RE2 expression that a text must match.

=========  ========================================================================================
email      address as browsers take it (WHATWG HTML, valid e-mail address)
uuid       five groups of hexadecimal digits: 8-4-4-4-12
uri        absolute URI with its scheme (RFC 3986)
hostname   labels of letters, digits and inner hyphens, 63 each, 253 in all (RFC 1123)
ipv4       four numbers up to 255 without leading zeros
ipv6       RFC 4291, without a zone
byte       Base64 with its padding (RFC 4648)
=========  ========================================================================================
"""

from __future__ import annotations

from typing import Final

_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_H16: Final = "[0-9A-Fa-f]{1,4}"
_LAST: Final = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6: Final = "|".join(
    [
        f"(?:{_H16}:){{6}}{_LAST}",
        f"::(?:{_H16}:){{5}}{_LAST}",
        *(
            f"(?:(?:{_H16}:){{0,{before}}}{_H16})?::(?:{_H16}:){{{4 - before}}}{_LAST}"
            for before in range(5)
        ),
        f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    ]
)
_ESCAPED: Final = "%[0-9A-Fa-f]{2}"
_NAME_SIGN: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=-]|{_ESCAPED})"
_USER_SIGN: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{_ESCAPED})"
_FIRST_SIGN: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@?-]|{_ESCAPED})"
_SIGN: Final = rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|{_ESCAPED})"
_AUTHORITY: Final = rf"(?:{_USER_SIGN}*@)?(?:\[(?:{_IPV6})\]|{_NAME_SIGN}*)(?::[0-9]*)?"
_PATH: Final = f"/?(?:{_FIRST_SIGN}{_SIGN}*)?"

STRING_FORMATS: Final = {
    "email": rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*$",
    "uuid": "^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "uri": rf"^[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:[/?]{_SIGN}*)?|{_PATH})(?:#{_SIGN}*)?$",
    "hostname": rf"^{_LABEL}(?:\.{_LABEL})*$",
    "ipv4": f"^{_IPV4}$",
    "ipv6": f"^(?:{_IPV6})$",
    "byte": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
MOST_CHARACTERS: Final = {"hostname": 253}
