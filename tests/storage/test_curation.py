"""What a curator says is kept apart from what a machine read, shown in its place, and survives whatever comes later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from scraper.model import Attachment, Lang, Precision
from storage.archive import Archive
from storage.changes import Entry
from storage.curation import FIELDS, Act, Done, Say, Verdict, decide, undo
from storage.errors import DecisionRefused, UnknownKey
from storage.filters import Filters
from storage.history import history
from storage.postview import VERDICTS, PostView
from storage.queries import find
from storage.runs import Run
from storage.schema import CurationRecord, DecisionRecord, PostRecord, TagRecord, rows_of

Make = Callable[..., Entry]
LATER = timedelta(hours=1)
BODY = "Bonjour Paris\nHello Paris"


class Desk:
    """A curator before an archive with two posts."""

    def __init__(self, archive: Archive, run: Run, entry_of: Make, plan: Any, now: datetime) -> None:
        self.archive, self.run, self.entry_of, self.plan, self.now = archive, run, entry_of, plan, now
        self.record("1", BODY)
        self.record("2")

    def record(self, native_id: str, body: str = "Bonjour", **stated: Any) -> None:
        self.now += LATER
        entry = self.entry_of(native_id, body, **stated)
        self.archive.record(self.run.id, None, [entry], plan=self.plan, now=self.now)

    def say(self, *says: Say, keys: tuple[str, ...] = ("iss:1",), who: str = "Ana") -> Done:
        self.now += LATER
        return decide(self.archive.database, keys, says, who=who, now=self.now)

    def undo(self, count: int = 1, who: str = "Ana") -> list[Any]:
        self.now += LATER
        return undo(self.archive.database, count, who=who, now=self.now)

    def post(self, key: str = "iss:1") -> PostView:
        (found,) = find(self.archive.database, Filters(keys=(key,)))
        return found

    def found(self, **filters: Any) -> list[str]:
        return [post.key for post in find(self.archive.database, Filters(**filters))]

    def rows(self, record: Any) -> list[Any]:
        with self.archive.database.read() as connection:
            return list(connection.execute(select(rows_of(record))).mappings())


@pytest.fixture
def desk(archive: Archive, run: Run, entry_of: Make, plan: Any, now: datetime) -> Desk:
    return Desk(archive, run, entry_of, plan, now)


def test_the_words_are_those_of_the_view() -> None:
    """What readers know as verdicts is what curators can say."""
    assert tuple(verdict.value for verdict in Verdict) == VERDICTS


def test_verdict_and_rating(desk: Desk) -> None:
    """A verdict and, apart from it, a rating are said of many posts at once, shown, and found."""
    done = desk.say(Say.verdict(Verdict.SELECTED), Say.rating(4), keys=("iss:1", "iss:2"))
    assert done == Done(keys=("iss:1", "iss:2"), changed=("iss:1", "iss:2"))
    assert (desk.post().verdict, desk.post().rating) == ("selected", 4)
    desk.say(Say.verdict(Verdict.REJECTED), keys=("iss:2",))
    assert (desk.found(verdict=("selected",)), desk.found(verdict=("rejected",))) == (["iss:1"], ["iss:2"])
    desk.say(Say.verdict(Verdict.UNREVIEWED), Say.rating(None))
    assert (desk.post().verdict, desk.post().rating) == ("unreviewed", None)
    assert desk.found(verdict=("unreviewed",)) == ["iss:1"]


def test_what_is_so_already_is_not_recorded_again(desk: Desk) -> None:
    """Saying the same twice is one decision."""
    desk.say(Say.verdict(Verdict.SELECTED))
    assert desk.say(Say.verdict(Verdict.SELECTED), keys=("iss:1", "iss:2")).changed == ("iss:2",)
    assert len(desk.rows(DecisionRecord)) == 2


def test_tags_and_notes(desk: Desk) -> None:
    """Tags add up, are compared without case and accents, and are found beside hashtags; a note replaces the last."""
    desk.record("3", hashtags=("Épopée",))
    desk.say(Say.tag("#Épopée"), Say.tag("aurora borealis"), Say.note("look again"))
    desk.say(Say.tag("EPOPEE"))
    assert desk.post().tags == ("aurora borealis", "EPOPEE")
    assert sorted(desk.found(tag=("épopee",))) == ["iss:1", "iss:3"]
    desk.say(Say.tag("epopée", on=False), Say.note(""))
    assert desk.post().tags == ("aurora borealis",)
    assert desk.found(tag=("#auroraborealis",)) == ["iss:1"]
    assert [row["note"] for row in desk.rows(CurationRecord)] == [None]


@pytest.mark.parametrize("wrong", [lambda: Say.tag(" # "), lambda: Say.rating(6), lambda: Say.rating(-1),
                                   lambda: Say.machine("body"), lambda: Say.text("body", "x"),
                                   lambda: Say.date(datetime(2016, 12, 3), Precision.DAY)])  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong: Callable[[], Say]) -> None:
    """A value that means nothing does not come into being."""
    with pytest.raises(ValueError, match=r"."):
        wrong()


def test_corrected_texts_are_shown_and_said_to_be(desk: Desk) -> None:
    """Captions, credit and mission are the curator's in the view, which names them; the machine's stay in the table."""
    desk.record("1", BODY, credit="ESA")
    assert desk.post().corrected is None
    desk.say(Say.text("caption_fr", " Bonsoir Paris "), Say.text("credit", "ESA/NASA"), Say.text("mission", "proxima"))
    post = desk.post()
    assert (post.caption_fr, post.caption_en, post.credit, post.mission) == (
        "Bonsoir Paris",
        None,
        "ESA/NASA",
        "proxima",
    )
    assert post.corrected == ("caption_fr", "credit", "mission")
    assert (desk.found(mission=("proxima",)), desk.found(text="bonsoir")) == (["iss:1"], ["iss:1"])
    (row,) = [row for row in desk.rows(PostRecord) if row["native_id"] == "1"]
    assert (row["caption_fr"], row["credit"], row["mission"]) == (BODY, "ESA", None)


def test_an_empty_correction_says_that_there_is_none(desk: Desk) -> None:
    """What the machine found and is not there is taken away in the view."""
    desk.record("1", BODY, credit="ESA")
    desk.say(Say.text("caption_fr", ""), Say.text("credit", ""))
    assert (desk.post().caption_fr, desk.post().credit) == (None, None)
    assert "iss:1" not in desk.found(lang=("fr",))


def test_a_corrected_date_is_shown_found_and_sorted_by(desk: Desk) -> None:
    """The curator's date takes the place of the machine's everywhere, and nothing else is asked of its origin."""
    desk.say(Say.date(datetime(2017, 1, 5, tzinfo=UTC), Precision.DAY))
    post = desk.post()
    assert (post.published_at, post.published_precision, post.published_origin) == ("2017-01-05", "day", "curator")
    assert desk.found() == ["iss:1", "iss:2"]
    noon = datetime(2017, 1, 5, 12, tzinfo=UTC)
    assert desk.found(since=noon) == ["iss:1"]
    assert desk.found(until=noon - timedelta(days=1)) == ["iss:2"]
    desk.say(Say.date(datetime(2015, 1, 5, 1, 2, 3, tzinfo=UTC), Precision.SECOND))
    assert (desk.post().published_at, desk.found()) == ("2015-01-05T01:02:03Z", ["iss:2", "iss:1"])


def test_corrected_segments_make_the_captions(desk: Desk) -> None:
    """Where the text is cut is the curator's: segments and both captions follow, and all three are said to be his."""
    desk.say(Say.segments([(Lang.FR, 0, 13), (Lang.NONE, 13, 14), (Lang.EN, 14, None)]))
    post = desk.post()
    assert (post.caption_fr, post.caption_en) == ("Bonjour Paris", "Hello Paris")
    assert [(cut.lang, cut.text) for cut in post.segments] == [
        ("fr", "Bonjour Paris"), ("none", "\n"), ("en", "Hello Paris")]  # fmt: skip
    assert post.corrected == ("caption_fr", "caption_en", "segments")
    desk.say(Say.text("caption_en", "Good day, Paris"))
    assert (desk.post().caption_fr, desk.post().caption_en) == ("Bonjour Paris", "Good day, Paris")
    desk.say(Say.machine("segments"))
    assert (desk.post().caption_fr, desk.post().corrected) == (BODY, ("caption_en",))


def test_a_caption_that_came_of_corrected_segments_can_be_given_back_alone(desk: Desk) -> None:
    """The machine's caption counts again, beside the curator's segments and the other caption that they make."""
    desk.say(Say.segments([(Lang.FR, 0, 13), (Lang.NONE, 13, 14), (Lang.EN, 14, None)]))
    assert desk.say(Say.machine("caption_fr")).changed == ("iss:1",)
    post = desk.post()
    assert (post.caption_fr, post.caption_en, post.corrected) == (BODY, "Hello Paris", ("caption_en", "segments"))
    assert [cut.lang for cut in post.segments] == ["fr", "none", "en"]
    assert desk.say(Say.machine("caption_fr")).changed == ()
    desk.undo()
    assert (desk.post().caption_fr, desk.post().caption_en) == ("Bonjour Paris", "Hello Paris")


@pytest.mark.parametrize(
    "cuts",
    [
        [(Lang.FR, 0, 99)],
        [(Lang.FR, 1, 25)],
        [(Lang.FR, 0, 5)],
        [],
        [(Lang.FR, 0, 5), (Lang.EN, 6, 25)],
        [(Lang.FR, 0, 0), (Lang.EN, 0, 25)],
    ],
)
def test_segments_that_do_not_fit_are_refused(desk: Desk, cuts: list[Any]) -> None:
    """Cuts have to rebuild the text; nothing of what was said with them is recorded."""
    with pytest.raises(DecisionRefused, match="iss:1"):
        desk.say(Say.verdict(Verdict.SELECTED), Say.segments(cuts))
    assert desk.rows(DecisionRecord) == []


def test_an_alt_text_is_a_pictures(desk: Desk) -> None:
    """It is corrected for one picture and follows it when that moves; a picture that is not there is refused."""
    one, two = Attachment(url="https://m.example/a.jpg", alt="A"), Attachment(url="https://m.example/b.jpg")
    desk.record("1", BODY, attachments=(one, two))
    desk.say(Say.text("alt", "La tour Eiffel", position=1), Say.text("alt", "", position=0))
    assert [item.alt for item in desk.post().media] == [None, "La tour Eiffel"]
    assert (desk.post().corrected, desk.found(text="eiffel")) == (("alt",), ["iss:1"])
    desk.record("1", BODY, attachments=(two, one))
    assert [item.alt for item in desk.post().media] == ["La tour Eiffel", None]
    with pytest.raises(DecisionRefused, match="no picture 3; it has 2"):
        desk.say(Say.text("alt", "x", position=2))
    desk.undo()
    assert [item.alt for item in desk.post().media] == [None, "A"]


def test_a_picture_that_is_swapped_takes_its_alt_text_along(desk: Desk) -> None:
    """The new picture shows the machine's, and nothing is said to be the curator's; back again, it is his."""
    one, two = Attachment(url="https://m.example/a.jpg", alt="A"), Attachment(url="https://m.example/b.jpg", alt="B")
    desk.record("1", BODY, attachments=(one,))
    desk.say(Say.text("alt", "La tour Eiffel", position=0))
    desk.record("1", BODY, attachments=(two,))
    assert ([item.alt for item in desk.post().media], desk.post().corrected) == (["B"], None)
    desk.say(Say.rating(3))
    assert desk.post().corrected is None
    desk.record("1", BODY, attachments=(two, one))
    assert ([item.alt for item in desk.post().media], desk.post().corrected) == (["B", "La tour Eiffel"], ("alt",))


@pytest.mark.parametrize("field", FIELDS)
def test_everything_can_be_given_back_to_the_machine(desk: Desk, field: str) -> None:
    """Whatever was corrected, taking it back leaves the post as it was."""
    before = desk.post()
    says = {
        "segments": Say.segments([(Lang.EN, 0, None)]),
        "published_at": Say.date(datetime(2017, 1, 5, tzinfo=UTC), Precision.DAY),
        "alt": Say.text("alt", "x", position=0),
    }
    desk.say(says.get(field) or Say.text(field, "x"))
    assert desk.post() != before
    desk.say(Say.machine(field, position=0 if field == "alt" else None))
    assert desk.post() == before
    assert desk.rows(CurationRecord) == []


def test_work_survives_what_comes_later(desk: Desk) -> None:
    """Scraped again, edited, read anew: the curator's word stays shown; that the text has changed asks for a look."""
    desk.say(Say.verdict(Verdict.SELECTED), Say.tag("x"), Say.text("caption_fr", "La mienne"), Say.text("mission", "m"),
             Say.segments([(Lang.EN, 0, None)]), Say.text("caption_fr", "La mienne"))  # fmt: skip
    desk.say(Say.date(datetime(2017, 1, 5, tzinfo=UTC), Precision.DAY))
    mine = desk.post()
    assert not mine.needs_review
    post, reading = desk.entry_of("1", BODY)
    again = replace(reading, split=replace(reading.split, confidence=0.1, needs_review=True))
    desk.archive.record(desk.run.id, None, [(post, again)], plan=desk.plan, now=desk.now + LATER)
    assert desk.post() == mine
    desk.record("1", BODY + " !")
    edited = desk.post()
    assert (edited.caption_fr, edited.caption_en, edited.verdict) == ("La mienne", BODY, "selected")
    assert (edited.tags, edited.mission, edited.published_at) == (("x",), "m", "2017-01-05")
    assert (edited.text, [cut.lang for cut in edited.segments]) == (BODY + " !", ["fr"])
    assert edited.needs_review
    assert desk.found(needs_review=True) == ["iss:1"]
    desk.say(Say.text("caption_fr", "La mienne"), Say.segments([(Lang.EN, 0, None)]))
    assert not desk.post().needs_review
    desk.record("1", BODY)
    assert desk.post().needs_review


def test_what_a_curator_settled_needs_no_review(desk: Desk) -> None:
    """A doubtful split that a person put right, and a date that a person gave, are doubtful no more."""
    post, reading = desk.entry_of("4", BODY, published=None)
    doubtful = replace(reading, split=replace(reading.split, needs_review=True))
    desk.archive.record(desk.run.id, None, [(post, doubtful)], plan=desk.plan, now=desk.now)
    keys = ("iss:4",)
    desk.say(Say.text("caption_fr", "Bonjour"), keys=keys)
    assert desk.post("iss:4").needs_review
    desk.say(Say.date(datetime(2016, 12, 3, tzinfo=UTC), Precision.DAY), keys=keys)
    assert not desk.post("iss:4").needs_review
    desk.say(Say.machine("caption_fr"), keys=keys)
    assert desk.post("iss:4").needs_review


def test_one_unknown_key_and_nothing_is_done(desk: Desk) -> None:
    """All of a command or nothing: the unknown one is named with the nearest that there is."""
    with pytest.raises(UnknownKey) as caught:
        desk.say(Say.verdict(Verdict.SELECTED), keys=("iss:1", "isss:1"))
    assert (caught.value.key, caught.value.nearest[0]) == ("isss:1", "iss:1")
    assert desk.rows(DecisionRecord) == []


def test_the_address_of_a_post_is_as_good_as_its_key(desk: Desk) -> None:
    """A post named twice, by key and by address, is decided about once."""
    desk.record("5", url="https://iss.example/5")
    assert desk.say(Say.rating(1), keys=("https://iss.example/5/", "iss:5")).keys == ("iss:5",)
    assert len(desk.rows(DecisionRecord)) == 1


def test_undo_takes_back_whole_commands_the_last_first(desk: Desk) -> None:
    """What one command said of many posts goes at once; what was before it counts again; a decision is never erased."""
    desk.say(Say.verdict(Verdict.REJECTED), keys=("iss:1",))
    desk.say(Say.verdict(Verdict.SELECTED), Say.tag("x"), keys=("iss:1", "iss:2"))
    (undone,) = desk.undo()
    assert (undone.keys, undone.kinds) == (("iss:1", "iss:2"), (Act.VERDICT, Act.TAG))
    assert (desk.post().verdict, desk.post("iss:2").verdict, desk.post().tags) == ("rejected", "unreviewed", ())
    assert len(desk.undo(5)) == 1
    assert desk.undo() == []
    assert (desk.rows(CurationRecord), desk.rows(TagRecord)) == ([], [])
    assert [row["kind"] for row in desk.rows(DecisionRecord)].count(Act.VERDICT) == 3


def test_undo_takes_back_nobody_elses(desk: Desk) -> None:
    """A curator's last decision is his, whoever came after; what another one said since still stands."""
    desk.say(Say.verdict(Verdict.SELECTED), who="Ana")
    desk.say(Say.rating(3), who="Ben")
    desk.undo(who="Ana")
    assert (desk.post().verdict, desk.post().rating) == ("unreviewed", 3)


def test_every_decision_says_who_and_when(desk: Desk) -> None:
    """The history tells each decision with its maker, and whether it was taken back."""
    desk.say(Say.note("à revoir"), who="Ana")
    desk.undo()
    told = [(event.who, event.fields, event.value, event.undone) for event in history(desk.archive.database, "iss:1")]
    assert told[0] == (None, (), None, None)
    assert told[1:] == [("Ana", ("note",), "à revoir", True), ("Ana", ("undo",), 1, None)]


def test_many_posts_at_once(desk: Desk) -> None:
    """Thousands of posts are decided about, and taken back, in one go."""
    entries = [desk.entry_of(f"n{number}", pictures=0) for number in range(1200)]
    desk.archive.record(desk.run.id, None, entries, plan=desk.plan, now=desk.now)
    keys = tuple(entry[0].key for entry in entries)
    assert len(desk.say(Say.tag("many"), keys=keys).changed) == 1200
    assert len(desk.found(tag=("many",))) == 1200
    desk.undo()
    assert desk.found(tag=("many",)) == []
