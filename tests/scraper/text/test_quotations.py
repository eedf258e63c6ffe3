"""Quotations are found in any string, and told from what merely looks like their marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.text.quotations import Quotation, find_quotations


def told(body: str) -> list[str]:
    """Each quotation, with ``<`` if a sentence leads to it and ``>`` if one goes on after it."""
    return [
        body[q.start : q.end] + ("<" if q.leads else "") + (">" if q.goes_on else "") for q in find_quotations(body)
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", []),
        ("No marks, l'eau, the boys’ room, 80's", []),
        ('« Un. Deux. »\n"One. Two."', ["« Un. Deux. »", '"One. Two."']),
        ("“One.\n\nTwo.” «Un.»", ["“One.\n\nTwo.”", "«Un.»"]),
        ("„Eins.“ »Zwei.« ”Tre.”", ["„Eins.“", "»Zwei.«", "”Tre.”"]),
        ("‘The boys’ room.’\n‘Là.’", ["‘The boys’ room.’", "‘Là.’"]),
        ('" Bonjour "\n" Hello "', ['" Bonjour "', '" Hello "']),
        ("« Il dit “go” et part. »", ["« Il dit “go” et part. »"]),
        ('The pane is 31" wide, or 31", or "so".', ['"so"<']),
        ("Il crie « go » et part.", ["« go »<>"]),
        ("« Go », dit-il.", ["« Go »>"]),
        ("« Go » dit-il.", ["« Go »>"]),
        ("Il crie : « go ».", ["« go »<"]),
        ("Bonjour. « Hello. »", ["« Hello. »"]),
        ("« Le lac » / “The lake”", ["« Le lac »", "“The lake”"]),
        ("Le lac – “The lake”", ["“The lake”"]),
        ("“Un” Deux", ["“Un”"]),
    ],
)
def test_a_quotation_runs_to_its_own_closing_mark_and_knows_its_place(body: str, found: list[str]) -> None:
    """Every kind of mark, nested, over paragraphs; alone or within a sentence; inches and apostrophes are none."""
    assert told(body) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('« Un, deux.\n"One, two."', [("« Un, deux.", False), ('"One, two."', True)]),
        ('"One, two.\n"Un, deux."', [('"One, two.', False), ('"Un, deux."', True)]),
        ("“One\n\ntwo", [("“One", False)]),
        ("One, two.” Un, deux. »", []),
        ("“One.\n\n“Two.”", [("“One.", False), ("“Two.”", True)]),
    ],
)
def test_a_quotation_that_never_closes_ends_with_its_line(body: str, found: list[tuple[str, bool]]) -> None:
    """A mark too many or too few harms its own line only; marks repeated at each paragraph are read as well."""
    assert [(body[q.start : q.end], q.closed) for q in find_quotations(body)] == found


def test_a_quotation_behind_another_says_so() -> None:
    """Over a space, a line, a dash or a slash; not over words."""
    body = "« Un » “One”\n« Deux » / “Two” et « trois »"
    assert [q.follows for q in find_quotations(body)] == [False, True, True, True, False]


def _in_order(body: str, found: list[Quotation]) -> bool:
    ends = [0, *(q.end for q in found)]
    return all(ends[i] <= q.start < q.end <= len(body) and body[q.start] == q.mark for i, q in enumerate(found))


@given(st.text() | st.lists(st.sampled_from([*"«»“”„\"‘’' \n.,:a1(/", "« ", " »", "\u00a0", "mot "])).map("".join))
def test_any_string_has_its_quotations_in_order_and_none_within_another(body: str) -> None:
    """No exception, each begins with its mark, none overlaps; a closed one ends with a mark, another on its line."""
    found = find_quotations(body)
    assert _in_order(body, found)
    for quotation in found:
        if quotation.closed:
            assert body[quotation.end - 1] in '»”“"’«'
        else:
            assert "\n" not in body[quotation.start : quotation.end]
