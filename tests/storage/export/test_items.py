"""What an export is made of: the values of the view, what travels with them, what stays in the archive."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from scraper.model import Precision
from storage.curation import Say, decide
from storage.export.choosing import chosen
from storage.export.citing import citation
from storage.export.formats import Order
from storage.export.items import NAMES, POST_NAMES, record_of
from storage.export.publishable import Clearance, Reason, forbids
from storage.export.reading import Counts, Reader
from storage.filters import Filters
from storage.postview import COLUMNS, MediaView
from storage.queries import find
from storage.schema import PostRecord, rows_of

NOON = datetime(2017, 6, 2, 12, tzinfo=UTC)
NOTHING_KEPT = Clearance()
EVERYTHING = Filters()


def items_of(held, filters=EVERYTHING, *, clearance=NOTHING_KEPT, private=False, order=Order.KEY):
    """The items of an export, and what was counted."""
    counts, found = Counts(), []
    with held.database.read() as connection:
        reader = Reader(connection, clearance, private=private, with_segments=True)
        for ids in chosen(connection, filters, order):
            found += reader.items(ids, counts)
    return found, counts


@pytest.fixture
def filled(held):
    """Posts of all sorts, of two sources; synthetic."""
    pictures = ({"data": b"one", "alt": "La nuit", "credit": "ESA/NASA"}, {"state": "failed", "reason": "HTTP 500"})
    rights = {"license": "CC BY-SA 3.0 IGO", "license_url": "https://cc.example/", "credit": "ESA"}
    held.add(
        "b",
        fr="« La Terre » de nuit",
        en="The Earth",
        published=NOON,
        author="Thomas  Pesquet",
        mission="proxima",
        url="https://esa.example/b",
        hashtags=("Proxima", "Été"),
        pictures=pictures,
        **rights,
    )
    held.add("a", en="=1+1", published=date(2016, 12, 3), title="A title", pictures=({"data": b"one"}, {}))
    held.add("c", other="Земля", needs_review=True, captured=False)
    held.add("d", source="other", fr="Perdu", published=NOON, license="© All Rights Reserved")
    held.add("e", source="other", fr="Caché", opt_outs=("noindex",), published=NOON)
    held.add("f", source="other", fr="Parti", published=NOON)
    with held.database.write() as connection:
        posts = rows_of(PostRecord)
        connection.execute(update(posts).where(posts.c.native_id == "f").values(gone_at=NOON))
    return held


def test_an_item_says_what_the_view_and_a_query_say(filled):
    """Every column of ``archive_posts`` and of ``archive_media``, tags and slices, with what a curator corrected."""

    def say(key, *says):
        decide(filled.database, [key], says, who="Ada", now=NOON)

    say("esa-proxima:b", Say.text("caption_fr", "La Terre, corrigée"), Say.tag("Nuit"), Say.tag("Été"))
    say("esa-proxima:b", Say.text("credit", ""), Say.text("mission", "alpha"), Say.rating(4))
    say("esa-proxima:c", Say.date(datetime(2016, 12, 4, tzinfo=UTC), Precision.DAY))
    found, _ = items_of(filled, private=True)
    views = {post.key: post for post in find(filled.database, EVERYTHING)}
    assert [item.key for item in found] == sorted(views)
    assert POST_NAMES == COLUMNS
    for item in found:
        view = views[item.key]
        for name in POST_NAMES:
            assert getattr(item, name) == (getattr(view, name) or () if name == "corrected" else getattr(view, name))
        assert item.tags == view.tags
        assert item.segments == tuple((piece.lang, piece.start, piece.end) for piece in view.segments)
        shown = [{name: getattr(picture, name) for name in MediaView.__slots__} for picture in view.media]
        assert [{name: getattr(picture, name) for name in MediaView.__slots__} for picture in item.media] == shown


def test_what_travels_with_an_item(filled):
    """Rights as stated, the source, the answer, a citation, and what is incomplete."""
    (a, b, c), _ = items_of(filled)
    assert (b.credit, b.license, b.license_url) == ("ESA", "CC BY-SA 3.0 IGO", "https://cc.example/")
    assert (a.credit, a.license, a.license_url) == (None, None, None)
    assert (b.source_kind, b.source_url, b.run) == ("esa_gallery", "https://esa.example/", 1)
    assert (b.capture_url, b.fetched_at) == ("https://esa.example/b", "2017-06-02T12:00:00Z")
    assert b.capture_sha256 == "ab" * 32
    assert (c.capture_url, c.fetched_at, c.capture_sha256, c.capture_id) == (None, None, None, None)
    assert [(picture.credit, picture.reason) for picture in b.media] == [("ESA/NASA", None), (None, "HTTP 500")]
    assert (a.incomplete, b.incomplete) == (("media_pending",), ("media_failed",))
    assert c.incomplete == ("undated", "needs_review")
    assert b.citation == (
        "Thomas Pesquet: “« La Terre » de nuit The Earth”, 2017-06-02. https://esa.example/b."
        " Archived as esa-proxima:b, fetched 2017-06-02."
    )
    assert a.citation == "“A title”, 2016-12-03. Archived as esa-proxima:a, fetched 2017-06-02."
    assert c.citation == "“Земля”, undated. Archived as esa-proxima:c."


def test_what_may_not_be_passed_on_stays(filled):
    """Gone, opted out, forbidden by its licence, kept back by the configuration: each left out, counted by reason."""
    found, counts = items_of(filled)
    assert [item.key for item in found] == ["esa-proxima:a", "esa-proxima:b", "esa-proxima:c"]
    assert all(item.publishable and item.withheld is None for item in found)
    assert counts.found == 6
    assert counts.left_out == {Reason.LICENSE: 1, Reason.OPT_OUT: 1, Reason.GONE: 1}
    kept = Clearance(sources={"other": ""}, missions={"proxima": "the museum has not agreed yet"})
    found, counts = items_of(filled, clearance=kept)
    assert [item.key for item in found] == ["esa-proxima:a", "esa-proxima:c"]
    assert counts.left_out == {Reason.LICENSE: 1, Reason.OPT_OUT: 1, Reason.GONE: 1, Reason.CLEARANCE: 1}


def test_a_private_export_has_all_and_says_why_not(filled):
    """Each item that may not be passed on says so, and for which reason, in a sentence."""
    kept = Clearance(missions={"proxima": "the museum has not agreed yet"})
    found, counts = items_of(filled, clearance=kept, private=True)
    assert {item.key: item.withheld for item in found} == {
        "esa-proxima:a": None,
        "esa-proxima:b": "the configuration keeps the mission proxima back: the museum has not agreed yet",
        "esa-proxima:c": None,
        "other:d": "its stated licence forbids passing it on: © All Rights Reserved",
        "other:e": "its author asked not to be archived or listed: noindex",
        "other:f": "gone at its source since 2017-06-02T12:00:00Z",
    }
    assert all(item.publishable is (item.withheld is None) for item in found)
    assert sum(counts.left_out.values()) == 4


def test_a_curators_mission_counts_for_clearance(filled):
    """A post that the curator moved to a mission that is kept back is kept back."""
    decide(filled.database, ["esa-proxima:a"], [Say.text("mission", "secret")], who="Ada", now=NOON)
    found, _ = items_of(filled, clearance=Clearance(missions={"secret": ""}))
    assert "esa-proxima:a" not in [item.key for item in found]


def test_filters_and_orders(filled):
    """An export takes a query's filters; its order is by key, or the query's own; a limit takes the query's first."""
    assert [item.key for item in items_of(filled, Filters(source=("esa-proxima",)))[0]] == [
        "esa-proxima:a",
        "esa-proxima:b",
        "esa-proxima:c",
    ]
    newest = [item.key for item in items_of(filled, order=Order.NEWEST, private=True)[0]]
    assert newest == [post.key for post in find(filled.database, EVERYTHING)]
    first = sorted(newest[:4])
    assert [item.key for item in items_of(filled, Filters(limit=4), private=True)[0]] == first
    assert items_of(filled, Filters(source=("none",)))[0] == []


def test_a_record_has_the_names_of_the_json(filled):
    """``record_of`` has a query's own names and values, and nothing of an item is lacking in it."""
    found, _ = items_of(filled, private=True)
    views = {post.key: post.as_json() for post in find(filled.database, EVERYTHING)}
    for item in found:
        record, view = record_of(item), views[item.key]
        for name, value in view.items():
            if name == "media":
                shown = [{key: picture[key] for key in MediaView.__slots__} for picture in record[name]]
                assert shown == value
            else:
                assert (list(record[name]) if isinstance(record[name], tuple) else record[name]) == value, name
        told = {*record, *record["provenance"], "caption_fr", "caption_en"}
        assert set(NAMES) <= told


@pytest.mark.parametrize(
    ("licence", "forbidden"),
    [
        ("All rights reserved", True),
        ("© ESA. ALL RIGHTS RESERVED.", True),
        ("Tous droits réservés", True),
        ("Reproduction interdite sans accord", True),
        ("May not be reproduced without consent", True),
        ("CC BY-SA 3.0 IGO", False),
        ("CC BY-NC-ND 4.0", False),
        ("Some rights reserved", False),
        ("Public domain", False),
        ("", False),
    ],
)
def test_a_licence_forbids_in_express_words_only(licence, forbidden):
    """What is not understood forbids nothing; Creative Commons licences pass on under their own conditions."""
    assert forbids(licence) is forbidden


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "Ada, 2016-12-03. Archived as s:1."),
        ("  two\n\twords ", "Ada: “two words”, 2016-12-03. Archived as s:1."),
        ("word " * 40, f"Ada: “{'word ' * 13}word…”, 2016-12-03. Archived as s:1."),
        ("w" * 300, f"Ada: “{'w' * 72}…”, 2016-12-03. Archived as s:1."),
    ],
)
def test_first_words_are_cut_between_words(words, told):
    """A line stays a line however the text is spaced, and as long as a line."""
    assert citation("s:1", "Ada", words, "2016-12-03T10:00:00Z", None, None) == told
