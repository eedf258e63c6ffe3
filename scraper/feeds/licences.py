"""The licence that a feed states by its address, in the short form that people know it by."""

from __future__ import annotations

import re

_LICENCE = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/licenses/([a-z+-]+)/(\d\.\d)(?:/(igo|[a-z]{2})(?=/|$))?", re.IGNORECASE
)
_PUBLIC = re.compile(r"https?://(?:www\.)?creativecommons\.org/publicdomain/(zero|mark)/(\d\.\d)", re.IGNORECASE)


def licence_of(name: str, address: str) -> tuple[str, str]:
    """Name and address as stated; an address of Creative Commons alone has its name from itself: CC BY-SA 3.0 IGO."""
    name = " ".join(name.split())
    if name.startswith(("http://", "https://")) and not address:
        name, address = "", name
    if not name and (found := _LICENCE.match(address)):
        name = " ".join(part.upper() for part in ("CC", *found.groups()) if part)
    elif not name and (found := _PUBLIC.match(address)):
        name = f"CC0 {found[2]}" if found[1].lower() == "zero" else f"Public Domain Mark {found[2]}"
    return name, address
