"""Every filter and order, alone and together: both databases say what a plain reading of every post says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from storage import facts, finding, ranked
from storage.errors import IndexBehind, PageRefused
from storage.filters import LANGS, SORTS, STATES, VERDICTS, Filters
from storage.folding import fold_tag
from storage.postview import PostView
from storage.queries import about, count, find, page
from storage.rereading import batches
from storage.schema import CurationRecord, PostRecord, RevisionRecord, TagRecord, rows_of
from storage.search.documents import Texts, document
from storage.search.matching import matches
from storage.search.ranking import scores, standing

POSTS = 90
COLUMNS = {column.name for column in rows_of(RevisionRecord).columns} - {"id"}
FR = tuple(
    "la montée des eaux vue de la station une éruption le désert l'arc-en-ciel bonjour Paris de nuit aurore".split()  # noqa: SIM905
)
EN = tuple(
    "the rising water seen from orbit an eruption desert rainbow hello Paris by night aurora station".split()  # noqa: SIM905
)
TAGS = ("Proxima", "Été", "ete", "MissionAlpha", "iss")
SOURCES, MISSIONS = ("esa", "thom", "blog"), ("proxima", "alpha", None)
START = datetime(2016, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """A post with what its view does not tell."""

    view: PostView
    post_id: int
    texts: Texts
    second: int
    tie: int
    noted: bool
    edited: bool

    @property
    def ordinal(self) -> tuple[int, int]:
        """Its place in time."""
        return self.second, self.tie


def fill(held: Any) -> list[Known]:
    """Ninety posts with every case somewhere; the same each time."""
    dice = random.Random(6)
    for number in range(POSTS):
        at = START + timedelta(days=dice.randrange(60), seconds=dice.randrange(86_400))
        published = dice.choice([None, at.date(), at.date(), at, at, at])
        held.add(
            str(1000 + number),
            source=dice.choice(SOURCES),
            mission=dice.choice(MISSIONS),
            fr=" ".join(dice.choices(FR, k=6)) if dice.random() < 0.7 else None,
            en=" ".join(dice.choices(EN, k=6)) if dice.random() < 0.6 else None,
            other="la Tierra aurora" if dice.random() < 0.1 else None,
            published=published,
            precision=dice.choice(["minute", "second"]) if isinstance(published, datetime) else None,
            hashtags=tuple(dice.sample(TAGS, dice.choice([0, 0, 1, 2]))),
            needs_review=dice.random() < 0.2,
            edited_at=at if dice.random() < 0.1 and published is not None else None,
            title=dice.choice([None, "Une aurore", "Night"]),
            captured=False,
            pictures=tuple(picture(dice) for _ in range(dice.choice([0, 1, 1, 2]))),
        )
    noted, edited = curate(held, dice)
    with held.database.read() as connection:
        posts = rows_of(PostRecord)
        ids = {f"{row.source_id}:{row.native_id}": row.id for row in connection.execute(select(posts))}
        found = {post.post_id: post for post in facts.read(connection, list(ids.values()))}
    return [
        Known(
            view=view,
            post_id=ids[view.key],
            texts=found[ids[view.key]].texts,
            second=found[ids[view.key]].second,
            tie=found[ids[view.key]].tie,
            noted=view.key in noted,
            edited=view.edited_at is not None or view.key in edited,
        )
        for view in find(held.database, Filters())
    ]


def picture(dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.3:
        return {"data": bytes([dice.randrange(4)]), "alt": "aurore"}
    size = dice.choice([(4000, 1000), (1000, 1500), (800, 800), (None, None)])
    removed = START if dice.random() < 0.2 else None
    return {"state": dice.choice(STATES[1:]), "width": size[0], "height": size[1], "removed_at": removed}


def curate(held: Any, dice: random.Random) -> tuple[set[str], set[str]]:
    noted, edited = set(), set()
    with held.database.write() as connection:
        posts = list(connection.execute(select(rows_of(PostRecord)).order_by(rows_of(PostRecord).c.id)).mappings())
        for row in posts:
            key = f"{row['source_id']}:{row['native_id']}"
            seen = START + timedelta(days=100 + dice.randrange(30))
            connection.execute(update(PostRecord).where(PostRecord.id == row["id"]).values(first_seen_at=seen))
            if dice.random() < 0.1:
                connection.execute(update(PostRecord).where(PostRecord.id == row["id"]).values(gone_at=START))
            if dice.random() < 0.4:
                note = dice.choice([None, "", "à revoir"])
                noted |= {key} if note else set()
                rating, mission = dice.choice([None, 0, 1, 3, 5]), dice.choice([None, None, "", "alpha"])
                said = {"verdict": dice.choice(VERDICTS), "rating": rating, "note": note, "mission": mission}
                connection.execute(insert(CurationRecord).values(post_id=row["id"], outdated=False, **said))
                for tag in dice.sample(TAGS, dice.choice([0, 1])):
                    connection.execute(insert(TagRecord).values(post_id=row["id"], tag=tag, folded=fold_tag(tag)))
            if dice.random() < 0.1:
                why = dice.choice(["edited", "read anew"])
                edited |= {key} if why == "edited" else set()
                state = {name: row[name] for name in COLUMNS if name in row}
                more = {"fields": (), "segments": [], "attachments": [], "replaced_at": START}
                connection.execute(
                    insert(RevisionRecord).values(
                        **state, post_id=row["id"], why=why, replaced_by=row["run_id"], **more
                    )
                )
    return noted, edited


@pytest.fixture(scope="module")
def both(
    server: Any, make_lasting_archive: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Any], list[Known]]]:
    """The same archive on either database, and all that is known of its posts."""
    name = server.fresh()
    archives, known = [], []
    for address in (None, server.address(name)):
        archives.append(make_lasting_archive(tmp_path_factory.mktemp("archive"), address))
        known.append(fill(archives[-1]))
    assert known[0] == known[1]
    assert len(known[0]) == POSTS
    yield [held.database for held in archives], known[0]
    for held in archives:
        held.database.close()
    server.drop(name)


# what filters mean, said once more in the plainest way


def passes(post: Known, wanted: Filters) -> bool:
    view = post.view
    shown, widths = view.media, {"day": timedelta(days=1), "minute": timedelta(minutes=1), "second": timedelta(0, 1)}
    sizes = [(item.width, item.height) for item in shown if item.width and item.height]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(None, None))
    langs = {"fr": view.caption_fr, "en": view.caption_en, "other": any(item.lang == "other" for item in view.segments)}
    own, curators = set(map(fold_tag, view.hashtags)), set(map(fold_tag, view.tags))
    at = None if view.published_at is None else datetime.fromisoformat(view.published_at.replace("Z", "+00:00"))
    at = at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
    end = None if at is None else at + widths[str(view.published_precision)]
    seen = datetime.fromisoformat(view.first_seen_at.replace("Z", "+00:00"))
    says: list[tuple[Any, bool]] = [
        (wanted.lang, all(langs[lang] for lang in wanted.lang)),
        (wanted.lacks_lang, not any(langs[lang] for lang in wanted.lacks_lang)),
        (wanted.source, view.source in wanted.source),
        (wanted.mission, view.mission in wanted.mission),
        (wanted.since, bool(end and wanted.since and end > wanted.since)),
        (wanted.until, bool(at and wanted.until and at < wanted.until)),
        (wanted.seen_since, bool(wanted.seen_since and seen >= wanted.seen_since)),
        (wanted.seen_until, bool(wanted.seen_until and seen < wanted.seen_until)),
        (wanted.verdict, view.verdict in wanted.verdict),
        (wanted.tag, {fold_tag(tag) for tag in wanted.tag} <= own | curators),
        (wanted.hashtag, {fold_tag(tag) for tag in wanted.hashtag} <= own),
        (wanted.curator_tag, {fold_tag(tag) for tag in wanted.curator_tag} <= curators),
        (wanted.rating is not None, view.rating is not None and view.rating >= (wanted.rating or 0)),
        (wanted.rating_most is not None, view.rating is not None and view.rating <= (wanted.rating_most or 0)),
        (wanted.min_width, width is not None and width >= (wanted.min_width or 0)),
        (wanted.min_height, height is not None and height >= (wanted.min_height or 0)),
        (wanted.max_width, width is not None and width <= (wanted.max_width or 0)),
        (wanted.max_height, height is not None and height <= (wanted.max_height or 0)),
        (wanted.orientation == "landscape", width is not None and width > height),
        (wanted.orientation == "portrait", width is not None and width < height),
        (wanted.orientation == "square", width is not None and width == height),
        (wanted.media, any(item.state in wanted.media for item in shown)),
        (wanted.files is not None, any(item.sha256 in (wanted.files or ()) for item in shown)),
        (wanted.keys is not None, view.key in (wanted.keys or ())),
        (wanted.query, wanted.query is not None and matches(wanted.query, document(post.texts))),
    ]
    flags = {
        "undated": view.published_at is None,
        "unrated": view.rating is None,
        "needs_review": view.needs_review,
        "noted": post.noted,
        "edited": post.edited,
        "gone": view.gone_at is not None,
        "has_picture": bool(shown),
    }
    says += [(getattr(wanted, name) is not None, getattr(wanted, name) == flag) for name, flag in flags.items()]
    return all(holds for asked, holds in says if asked)


def expected(known: list[Known], wanted: Filters) -> list[str]:
    found = sorted((post for post in known if passes(post, wanted)), key=lambda post: post.ordinal, reverse=True)
    match wanted.order:
        case "oldest":
            found = sorted(found, key=lambda post: (post.second == 0, post.ordinal))
        case "rating":
            found.sort(key=lambda post: -1 if post.view.rating is None else post.view.rating, reverse=True)
        case "seen":
            found.sort(key=lambda post: post.post_id, reverse=True)
        case "rank":
            assert wanted.query is not None
            head, rest = found[: ranked.CANDIDATES], found[ranked.CANDIDATES :]
            standings = [standing(document(post.texts)) for post in head]
            best = dict(zip((post.post_id for post in head), scores(wanted.query, standings), strict=True))
            found = sorted(head, key=lambda post: best[post.post_id], reverse=True) + rest
    return [post.view.key for post in found]


def some(values: Any, most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(tuple)


MOMENTS = st.integers(-1, 61 * 24 * 12).map(lambda steps: START + timedelta(minutes=5 * steps))
TEXTS = (
    "montée OR aurora", "station", "eau*", '"arc en ciel"', "-paris", "lang:fr", "nuit -desert", "bonjour hello",
    "#ete", "rainbow OR Tierra", "de la", "xyz",
)  # fmt: skip
FLAGS = ("undated", "unrated", "needs_review", "noted", "edited", "gone", "has_picture")
SIZES = ("min_width", "min_height", "max_width", "max_height")
KEYS = tuple(f"{source}:{number}" for source in SOURCES for number in range(1000, 1000 + POSTS, 7))
FILES = tuple(hashlib.sha256(bytes([number])).hexdigest() for number in range(4))
PIECES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(TEXTS),
    "lang": some(LANGS),
    "lacks_lang": some(LANGS),
    "source": some(SOURCES),
    "mission": some(("proxima", "alpha", "nowhere")),
    "since": MOMENTS,
    "until": MOMENTS,
    "seen_since": MOMENTS.map(lambda at: at + timedelta(days=100)),
    "seen_until": MOMENTS.map(lambda at: at + timedelta(days=100)),
    "verdict": some(VERDICTS),
    "tag": some(TAGS),
    "hashtag": some(TAGS),
    "curator_tag": some(TAGS, 1),
    "rating": st.integers(0, 5),
    "rating_most": st.integers(0, 5),
    "orientation": st.sampled_from(("landscape", "portrait", "square")),
    "media": some(STATES),
    "files": some(FILES),
    "keys": some(KEYS, 40),
    **dict.fromkeys(SIZES, st.sampled_from((480, 800, 1000, 1500))),
    **dict.fromkeys(FLAGS, st.booleans()),
}


@st.composite
def filters(draw: Any) -> Filters:
    names = draw(st.lists(st.sampled_from(sorted(PIECES)), max_size=4, unique=True))
    sort = draw(st.sampled_from((None, *SORTS)))
    try:
        return Filters(**{name: draw(PIECES[name]) for name in names}, sort=sort)
    except ValueError:
        # nothing can be meant by it
        assume(False)
        raise


def tuned(monkeypatch: pytest.MonkeyPatch, few: int, candidates: int) -> None:
    monkeypatch.setattr(finding, "FEW", few)
    monkeypatch.setattr(ranked, "CANDIDATES", candidates)


def everything(database: Any, wanted: Filters) -> list[str]:
    keys: list[str] = []
    while True:
        found = page(database, wanted)
        keys += [post.key for post in found.posts]
        if found.next is None:
            return keys
        assert found.posts
        wanted = replace(wanted, after=found.next)


def same(both: Any, wanted: Filters) -> list[str]:
    """What is found, which is the same on both, by every way to ask."""
    databases, known = both
    right = expected(known, wanted)
    for database in databases:
        assert [post.key for post in find(database, wanted)] == right, database.dialect
        assert count(database, wanted) == about(database, wanted).number == len(right)
        for size in (7, 1000):
            assert everything(database, replace(wanted, limit=size)) == right, (database.dialect, size)
        assert {row for batch in batches(database, wanted) for row in batch} == {
            post.post_id for post in known if post.view.key in set(right)
        }
    return right


@pytest.mark.parametrize("few", [0, 2_000])
@pytest.mark.parametrize("name", sorted(PIECES))
def test_each_filter_alone(both: Any, monkeypatch: pytest.MonkeyPatch, name: str, few: int) -> None:
    """Each filter takes the posts that it means, whether these are few or many, and some but not all of them."""
    tuned(monkeypatch, few, 400)
    dice = random.Random(1)
    found = []
    values = {
        "text": TEXTS,
        "rating": (0, 3),
        "rating_most": (0, 3),
        "orientation": ("landscape", "portrait", "square"),
        "keys": (KEYS[:9], ()),
        "files": (FILES[:1], ()),
        "lang": (("fr",), ("other",), ("fr", "en")),
        "lacks_lang": (("en",), ("fr", "en")),
        "source": (("esa",), ("esa", "thom")),
        "mission": (("alpha",), ("alpha", "nowhere")),
        "verdict": (("selected",), ("unreviewed", "rejected")),
        "media": (("failed",), ("gone", "stored")),
        "tag": (("#Été",), ("proxima", "ete")),
        "hashtag": (("#Été",), ("proxima", "ete")),
        "curator_tag": (("#Été",), ("iss",)),
        **dict.fromkeys(SIZES, (640, 1000)),
        **dict.fromkeys(FLAGS, (True, False)),
    }
    moments = [START + timedelta(days=days + (100 if "seen" in name else 0), hours=7) for days in (2, 12)]
    for value in values.get(name, moments):
        order = dice.choice([None, *(sort for sort in SORTS if sort != "rank")])
        found.append(len(same(both, Filters(**{name: value}, sort=order))))  # type: ignore[arg-type]
    assert any(0 < number < POSTS for number in found)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(wanted=filters(), few=st.sampled_from((0, 5, 2_000)), candidates=st.sampled_from((10, 400)))
def test_filters_and_orders_together(
    both: Any, monkeypatch: pytest.MonkeyPatch, wanted: Filters, few: int, candidates: int
) -> None:
    """Whatever is asked for together, both find what a plain reading finds, in its order, by page too."""
    tuned(monkeypatch, few, candidates)
    same(both, wanted)


@pytest.mark.parametrize("sort", SORTS)
def test_a_token_stays_true_when_posts_come_and_go(held: Any, sort: Any) -> None:
    """What was on a page does not come again and what was not is not left out, whatever happens between two pages."""
    for number in range(20):
        held.add(str(100 + number), fr="la mer " * (number % 3 + 1), published=date(2016, 12, 1 + number % 9))
    wanted = Filters(text="mer", sort=sort, limit=6)
    before = [post.key for post in find(held.database, replace(wanted, limit=None))]
    first = page(held.database, wanted)
    assert [post.key for post in first.posts] == before[:6]
    gone = before[5], before[9]
    with held.database.write() as connection:
        for key in gone:
            connection.execute(rows_of(PostRecord).delete().where(rows_of(PostRecord).c.native_id == key[-3:]))
    for number in range(3):
        held.add(str(900 + number), fr="la mer", published=date(2016, 12, 20 if sort != "oldest" else 1))
    rest = everything(held.database, replace(wanted, after=first.next))
    assert [key for key in rest if key in before] == [key for key in before[6:] if key not in gone]


def test_a_token_is_checked(held: Any) -> None:
    """A token that is broken, of another order or of other filters is refused; of the same question it is not."""
    for number in range(4):
        held.add(str(number), hashtags=("x",))
    token = page(held.database, Filters(source=("esa-proxima", "b"), limit=2)).next
    assert token is not None
    assert token.replace("-", "").replace("_", "").isalnum()
    same_question = Filters(source=("b", "esa-proxima"), limit=1, after=token)
    assert [post.native_id for post in page(held.database, same_question).posts] == ["1"]
    other = [
        Filters(after=token),
        Filters(source=("esa-proxima", "b"), sort="oldest", after=token),
        *(
            Filters(source=("esa-proxima", "b"), after=broken)
            for broken in ("", "x", "é", token[:-1], token + "A", token[1:], "A" * 4000, "\0", token.swapcase())
        ),
    ]
    for wanted in other:
        with pytest.raises(PageRefused, match="token"):
            page(held.database, wanted)
        with pytest.raises(PageRefused, match="token"):
            list(find(held.database, wanted))


def test_a_page_of_nothing_is_no_end(held: Any) -> None:
    """A limit of nothing gives no post and no token; the last page has none either, though it is full."""
    held.add("1")
    assert page(held.database, Filters(limit=0)).posts == ()
    assert page(held.database, Filters(limit=1)).next is None


def test_hits_are_told_with_their_field(held: Any) -> None:
    """What is to be marked stands where it says, in the field that it names."""
    held.add("1", fr="La montée", en="It is rising", credit="Montée/ESA", pictures=({}, {"alt": "une montée"}))
    found = page(held.database, Filters(text="montée"), hits=True)
    (post,), (marks,) = found.posts, found.hits
    texts = [post.media[mark.medium].alt if mark.medium is not None else getattr(post, mark.field) for mark in marks]
    assert {mark.field for mark in marks} == {"caption_fr", "text", "credit", "alt"}
    assert {text[mark.start : mark.end].lower() for mark, text in zip(marks, texts, strict=True)} == {"montée"}
    assert page(held.database, Filters(), hits=True).hits == ()


def test_an_index_that_is_behind_is_not_asked(held: Any) -> None:
    """While the index is being built a question is refused, with what to do, and not answered in part."""
    held.add("1")
    with held.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM index_pending")
    raw = held.database._backend.engine
    with raw.begin() as connection:
        connection.exec_driver_sql("INSERT INTO index_pending SELECT id FROM posts")
    with pytest.raises(IndexBehind, match="db upgrade"):
        list(find(held.database, Filters()))
    with pytest.raises(IndexBehind, match="db upgrade"):
        count(held.database, Filters())
