"""Flickr's licences by their numbers, named as its own list names them.

https://www.flickr.com/services/api/flickr.photos.licenses.getInfo.html
"""

from __future__ import annotations

_CC = "https://creativecommons.org/licenses"
#: number: name, address
_LICENCES = {
    "0": (
        "All Rights Reserved",
        "https://www.flickrhelp.com/hc/en-us/articles/10710266545556-Using-Flickr-images-shared-by-other-members",
    ),
    "1": ("CC BY-NC-SA 2.0", f"{_CC}/by-nc-sa/2.0/"),
    "2": ("CC BY-NC 2.0", f"{_CC}/by-nc/2.0/"),
    "3": ("CC BY-NC-ND 2.0", f"{_CC}/by-nc-nd/2.0/"),
    "4": ("CC BY 2.0", f"{_CC}/by/2.0/"),
    "5": ("CC BY-SA 2.0", f"{_CC}/by-sa/2.0/"),
    "6": ("CC BY-ND 2.0", f"{_CC}/by-nd/2.0/"),
    "7": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": ("United States Government Work", "https://www.usa.gov/government-copyright"),
    "9": ("Public Domain Dedication (CC0)", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "10": ("Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "11": ("CC BY 4.0", f"{_CC}/by/4.0/"),
    "12": ("CC BY-SA 4.0", f"{_CC}/by-sa/4.0/"),
    "13": ("CC BY-ND 4.0", f"{_CC}/by-nd/4.0/"),
    "14": ("CC BY-NC 4.0", f"{_CC}/by-nc/4.0/"),
    "15": ("CC BY-NC-SA 4.0", f"{_CC}/by-nc-sa/4.0/"),
    "16": ("CC BY-NC-ND 4.0", f"{_CC}/by-nc-nd/4.0/"),
}


def licence_of(number: str) -> tuple[str | None, str | None]:
    """Name and address of the licence with that number; a number that came later is told as it is."""
    if not number:
        return None, None
    return _LICENCES.get(number, (f"Flickr licence {number}"[:100], None))
