"""What an ESA page gives, in whatever markup it comes; all pages here are written by us (synthetic)."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.capture import Access, Capture, Request
from scraper.errors import ParseError
from scraper.model import Mission, Post
from scraper.reading import read as reading_of
from scraper.settings import SourceOptions
from scraper.sources.esa_gallery import EsaGallery

PAGE = "https://www.esa.int/ESA_Multimedia/Images/2021/04/Une_page_d_essai"
LISTING = "https://www.esa.int/ESA_Multimedia/Sets/Essai/(offset)/{}/(sortBy)/published/(result_type)/images"
STORE = "/var/esa/storage/images/esa_multimedia/images/2021/04/une_page_d_essai"
INTRO = "<h1>Une page d’essai</h1><p>Un paragraphe d’introduction qui ne raconte rien de vrai.</p>"
SHARED = Path(__file__).parents[2].parent / "shared"


def capture(body: str, url: str = PAGE, *, carry: str | None = None, headers: dict[str, str] | None = None) -> Capture:
    return Capture(
        request=Request(url=url, carry=carry),
        url=url,
        status=200,
        headers=headers or {"content-type": "text/html; charset=utf-8"},
        body=body.encode(),
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def read(
    body: str, url: str = PAGE, *, since: datetime | None = None, carry: str | None = None
) -> list[Post | Request]:
    source = EsaGallery("esa", SourceOptions(url=url))
    return list(source.parse(capture(document(body), url, carry=carry), since))


def document(body: str) -> str:
    return body if "<html" in body else f"<!DOCTYPE html><html><head></head><body>{body}</body></html>"


def posts_of(body: str, url: str = PAGE) -> list[Post]:
    return [item for item in read(body, url) if isinstance(item, Post)]


def pictures_of(body: str) -> list[Post]:
    return [post for post in posts_of(body) if "#" in (post.url or "")]


def caption(number: int) -> list[str]:
    return [
        f"« La légende numéro {number}, écrite pour cet essai. »",
        f'"Caption number {number}, written for this test."',
        f"Ada Essai, Proxima mission image {number % 28 + 1:02}/02/2017",
    ]


def shown(number: int, folder: str = STORE) -> str:
    return f"{folder}/232500{number:02}-1-eng-GB/Essai_{number}_pillars.jpg"


def figure(source: str, lines: list[str]) -> str:
    return f'<figure><img src="{source}"><figcaption>{"<br>".join(map(html.escape, lines))}</figcaption></figure>'


# --- whatever the tags -----------------------------------------------------------------------------------------------

BLOCKS = st.sampled_from(["div", "section", "p", "li", "figure", "article", "td", "center"])
WRAPPINGS = st.lists(BLOCKS.filter(lambda tag: tag not in ("p", "li", "td")), max_size=3)


def wrapped(tags: list[str], inner: str) -> str:
    for tag in reversed(tags):
        inner = f"<{tag}>{inner}</{tag}>"
    return inner


@st.composite
def galleries(draw: st.DrawFn) -> str:
    """A page with three captioned pictures in some markup; every picture in the same, as a template would."""
    line = draw(
        st.sampled_from(["<p>{}</p>", "<div>{}</div>", "{}<br>", "<span>{}</span><br/>", "<div><span>{}</span></div>"])
    )
    label = draw(st.sampled_from(["", "Image caption", "Image caption:"]))
    picture = draw(
        st.sampled_from(
            [
                '<img src="{0}">',
                '<a href="{0}"><img src="{0}"></a>',
                '<picture><source srcset="{0} 2x"><img src="{0}"></picture>',
                '<img src="/design/placeholder.gif" data-src="{0}">',
                "<div style=\"background-image:url('{0}')\"></div>",
                '<a class="popup" href="#"><img alt="" srcset="{0} 900w"></a>',
            ]
        )
    )
    item, before, around = draw(WRAPPINGS), draw(WRAPPINGS), draw(WRAPPINGS)
    above, both = draw(st.booleans()), draw(st.booleans())
    parts = []
    for number in (1, 2, 3):
        lines = caption(number)
        if both:
            lines = [lines[1], lines[0], lines[2]]
        if label:
            lines = [label, *lines]
        words = wrapped(before, "".join(line.format(text) for text in lines))
        image = wrapped(around, picture.format(shown(number)))
        parts.append(wrapped(item, words + image if above else image + words))
    return INTRO + wrapped(draw(WRAPPINGS), "".join(parts))


@settings(max_examples=150, deadline=None)
@given(galleries())
def test_every_picture_gets_its_own_caption_in_whatever_markup(page: str) -> None:
    """Tags, nesting, order and labels of a template make no difference to the posts."""
    found = pictures_of(page)
    assert [post.native_id for post in found] == ["23250001", "23250002", "23250003"]
    for number, post in enumerate(found, 1):
        assert sorted(post.body.split("\n")) == sorted(caption(number))
        assert post.body.endswith(caption(number)[2])
        assert [attachment.native_id for attachment in post.attachments] == [post.native_id]
    assert posts_of(page)[0].body == "Un paragraphe d’introduction qui ne raconte rien de vrai."


def test_a_caption_whose_french_is_not_quoted_keeps_it() -> None:
    """Words between a picture and its credit line belong to the caption, quoted or not."""
    lines = ["Une légende sans guillemets.", *caption(1)[1:]]
    body = INTRO + "".join(f"<div><img src='{shown(n)}'><p>{'</p><p>'.join(lines)}</p></div>" for n in (1, 2))
    assert [post.body for post in pictures_of(body)][:1] == ["\n".join(lines)]


def test_half_a_caption_above_its_picture_and_half_below_is_one_caption() -> None:
    """French above, English and the credit line below."""
    french, english, credit = caption(1)
    one = f"<div><p>{french}</p><img src='{shown(1)}'><p>{english}</p><p>{credit}</p></div>"
    found = pictures_of(INTRO + one + figure(shown(2), caption(2)))
    assert [post.body for post in found] == ["\n".join(caption(1)), "\n".join(caption(2))]


def test_a_slide_that_its_slider_repeats_is_one_post() -> None:
    """Sliders copy their first and last slides; thumbnails repeat the pictures."""
    slides = [figure(shown(n), caption(n)) for n in (3, 1, 2, 3, 1)]
    thumbs = "".join(f"<a href='#{n}'><img src='{shown(n).replace('pillars', 'card_small')}'></a>" for n in (1, 2, 3))
    found = pictures_of(INTRO + "".join(slides) + f"<div>{thumbs}</div>")
    assert sorted(post.body for post in found) == sorted("\n".join(caption(n)) for n in (1, 2, 3))


def test_decoration_gives_no_posts() -> None:
    """Logos, icons, avatars, share buttons, navigation and teasers of other pages are no pictures of the gallery."""
    noise = """
      <header><a href="/"><img src="/logo_esa.png"></a><nav><img src="/menu/science.jpg">Science</nav></header>
      <div class="share-buttons"><img src="/x/share-on-that.jpg">Share</div><img src="/i/icon-flag-fr.png">
      <img src="/pixel.gif" width="1" height="1"><div class="author-avatar"><img src="/people/ada.jpg"></div>
      <div class="highlights"><a href="/ESA_Multimedia/Images/2020/01/Autre">
      <img src="/x/21000001-1-eng-GB/Autre_card_small.jpg"><h3>Une autre page</h3></a></div>
      <img src="data:image/gif;base64,AAAA"><img src="flag.svg">
      <img src="javascript:alert(1)"><img src="http://user:secret@example.org/a.jpg"><img src="http://[bad/b.jpg">
      <footer><img src="/partners/agency.jpg">© ESA</footer>"""
    found = pictures_of(INTRO + noise + figure(shown(1), caption(1)) + figure(shown(2), caption(2)) + noise)
    assert [post.native_id for post in found] == ["23250001", "23250002"]


def test_a_background_around_pictures_is_not_one_of_them() -> None:
    """A box with a background image, or a gallery that names a cover, does not swallow the pictures inside it."""
    inside = figure(shown(1), caption(1)) + figure(shown(2), caption(2))
    for box in ("style='background-image:url(/x/stars.jpg)'", "data-image='/x/cover.jpg'"):
        found = pictures_of(f"{INTRO}<div {box}>{inside}</div>")
        assert [post.native_id for post in found] == ["23250001", "23250002"]
        assert [post.attachments[0].url for post in found] == [
            f"https://www.esa.int{shown(n).replace('_pillars', '')}" for n in (1, 2)
        ]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("".join(figure(f"/f/p{n}x.jpg", caption(n)) for n in range(2_000)), id="pictures"),
        pytest.param("<br>".join(line for n in range(2_000) for line in caption(n)), id="captions"),
        pytest.param("<div>" * 350 + "".join(f"<img src=/f/p{n}x.jpg>" for n in range(2_000)), id="depth"),
        pytest.param("<p>" + "« " * 400_000 + "</p>" + figure(shown(1), caption(1)), id="quotes"),
        pytest.param("<p>" + "a, " * 400_000 + "mission image</p>" + figure(shown(1), caption(1)), id="commas"),
        pytest.param("<script>" + '[{"a":' * 200_000 + "</script>" + figure(shown(1), caption(1)), id="scripts"),
        pytest.param(
            f"<img srcset='{'a, ' * 300_000}' src={shown(1)}>" + "<a title='" + "<" * 90_000 + "'>x", id="attributes"
        ),
    ],
)
def test_a_page_made_to_be_slow_is_read_in_linear_time(page: str) -> None:
    """Each of these would take hours if any step were quadratic; as it is, they are read like others."""
    assert posts_of(INTRO + page)


def test_template_text_is_removed_even_within_a_line() -> None:
    """The rating extension's sentences and the label are not part of any caption."""
    liking = "Thank you for liking You have already liked this page, you can only like it once!"
    french, english, credit = caption(1)
    body = (
        INTRO
        + f"<figure><img src='{shown(1)}'><p>Image caption {french}</p><p>{english} {liking}</p>"
        + f"<p>{credit}</p></figure>"
    )
    assert [post.body for post in pictures_of(body)] == ["\n".join(caption(1))]


def test_words_on_one_line_are_broken_where_a_quotation_ends() -> None:
    """« … » "…" credit in one paragraph becomes the three lines that a person reads."""
    body = INTRO + "".join(f"<div><img src='{shown(n)}'><p>{' '.join(caption(n))}</p></div>" for n in (1, 2))
    assert [post.body for post in pictures_of(body)] == ["\n".join(caption(1)), "\n".join(caption(2))]


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param([shown(n) for n in range(4)], id="content ids"),
        pytest.param([f"/files/{name}_article.jpg" for name in ("Etna", "Delta", "Aral_Sea", "Andes")], id="stems"),
        pytest.param([f"/files/{n}.jpg" for n in range(4)], id="names by place"),
        pytest.param(["/a/photo.jpg", "/b/photo.jpg", "/c/photo.jpg", "/d/photo.jpg"], id="one name for all"),
        pytest.param([None] * 4, id="no pictures"),
    ],
)
def test_a_picture_put_in_front_changes_no_other_key(addresses: list[str | None]) -> None:
    """Content-object id, stem or hash of date and caption: none depends on the place in the row."""

    def page(numbers: range) -> str:
        # files named by place are renamed when a picture is put in front
        named = addresses if addresses[0] != "/files/0.jpg" else [f"/files/{n - numbers.start}.jpg" for n in range(4)]
        rows = [
            figure(name, caption(n)) if (name := named[n]) else f"<p>{'<br>'.join(caption(n))}</p>" for n in numbers
        ]
        return INTRO + "".join(rows)

    later = pictures_of(page(range(4)))
    assert [post.native_id for post in pictures_of(page(range(1, 4)))] == [post.native_id for post in later][1:]
    assert len({post.native_id for post in later}) == 4


def test_the_hash_of_a_caption_survives_other_quotes_spaces_and_dashes() -> None:
    """A caption without a picture keeps its key when only its typography is mended."""
    rough = caption(1)
    fine = [rough[0].replace(" ", "\u00a0"), rough[1].replace('"', "”").replace("”", "“", 1), rough[2]]
    keys = {pictures_of(f"{INTRO}<p>{'<br>'.join(lines)}</p>")[0].native_id for lines in (rough, fine)}
    assert len(keys) == 1


def test_the_page_is_known_by_its_path_in_every_view() -> None:
    """Query, view parameters, bare host and trailing slash make no other post."""
    body = INTRO + figure(shown(1), caption(1))
    urls = [PAGE, PAGE + "/", PAGE.replace("www.", ""), PAGE + "/(print)/1", PAGE + "#23250001"]
    firsts = [posts_of(body, url)[0] for url in urls]
    assert {post.native_id for post in firsts} == {"ESA_Multimedia/Images/2021/04/Une_page_d_essai"}
    assert {post.url for post in firsts} == {PAGE}


# --- addresses -------------------------------------------------------------------------------------------------------


def test_only_known_renditions_are_removed_and_what_is_shown_stays_as_a_fallback() -> None:
    """A title may itself end in _word; behind each rendition its full file is tried first."""
    first, second = pictures_of(
        INTRO + figure("/f/Mount_Etna.jpg", caption(1)) + figure("/f/Delta_card_full.jpg?x=1", caption(2))
    )
    assert first.attachments[0].url == "https://www.esa.int/f/Mount_Etna.jpg"
    assert first.attachments[0].alternatives == ()
    assert second.attachments[0].url == "https://www.esa.int/f/Delta.jpg?x=1"
    assert second.attachments[0].alternatives == ("https://www.esa.int/f/Delta_card_full.jpg?x=1",)


def test_a_download_link_belongs_to_the_picture_it_stands_with() -> None:
    """HI-RES and SOURCE links come first, the larger before the smaller, whatever their files are called."""
    links = (
        '<a href="https://esamultimeda.esa.int/docs/{0}_hires.jpg" title="HI-RES JPG">HI-RES JPG [900.1 kB]</a>'
        '<a href="/docs/{0}_source.png">SOURCE PNG [12.5 MB]</a><a href="/docs/{0}.pdf">SOURCE PDF</a>'
    )
    body = INTRO + "".join(
        f"<div>{figure(shown(n), caption(n))}<div class='dropdown'>{links.format(n)}</div></div>" for n in (1, 2)
    )
    one, two = (post.attachments[0] for post in pictures_of(body))
    assert one.url == "https://www.esa.int/docs/1_source.png"
    assert one.alternatives[0] == "https://esamultimedia.esa.int/docs/1_hires.jpg"
    assert one.alternatives[-1].endswith("Essai_1_pillars.jpg")
    assert two.url == "https://www.esa.int/docs/2_source.png"


def test_addresses_are_made_absolute_against_the_base_and_quoted() -> None:
    """``<base>``, spaces and accents in a file's name."""
    body = "<html><head><base href='/docs/'></head><body>" + INTRO + figure("été 1.jpg", caption(1)) + "</body></html>"
    assert pictures_of(body)[0].attachments[0].url == "https://www.esa.int/docs/%C3%A9t%C3%A9%201.jpg"


# --- the page's own word ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<div class="modal__header"><div class="meta"><span>03/12/2016</span></div></div>', "2016-12-03"),
        ('<meta property="article:published_time" content="2021-04-22T10:30:00+02:00">', "2021-04-22T08:30:00Z"),
        ('<time datetime="2021-04-22">22 April</time>', "2021-04-22"),
        ('<meta name="date" content="yesterday">', "None"),
        ('<div class="modal__header"><div class="meta"><span>31/02/2021</span></div></div>', "None"),
        ("", "None"),
    ],
)
def test_a_page_has_the_date_it_states_and_a_day_is_never_guessed(markup: str, expected: str) -> None:
    """The address has year and month only: that is no date."""
    assert str(posts_of(markup + INTRO + figure(shown(1), caption(1)))[0].published) == expected


def test_a_picture_has_no_date_of_its_own() -> None:
    """The page is of 2021, the picture of 2017: its credit line says so, and that is read elsewhere."""
    assert pictures_of("<time datetime='2021-04-22'></time>" + figure(shown(1), caption(1)))[0].published is None


def test_a_licence_is_taken_only_where_it_is_stated() -> None:
    """CC is never inferred from ESA."""
    meta = "<ul class='modal__meta'><li><i title='Copyright'></i><span>{}</span></li></ul>"
    gallery = INTRO + figure(shown(1), caption(1)) + figure(shown(2), caption(2))
    plain, free = posts_of(gallery + meta.format("ESA/NASA")), posts_of(gallery + meta.format("ESA, CC BY-SA IGO 3.0"))
    assert {(post.credit, post.license) for post in plain} == {("ESA/NASA", None)}
    assert {post.license for post in free} == {"CC BY-SA 3.0 IGO"}
    assert {post.license_url for post in free} == {"https://creativecommons.org/licenses/by-sa/3.0/igo/"}


def test_a_page_that_asks_not_to_be_archived_says_so_in_every_post() -> None:
    """``noarchive`` in the page or in the header is carried by the page's post and by its pictures'."""
    page = document("<meta name='robots' content='NOARCHIVE, follow'>" + INTRO + figure(shown(1), caption(1)))
    answer = capture(page, headers={"content-type": "text/html; charset=utf-8", "x-robots-tag": "noindex"})
    found = [item for item in EsaGallery("esa", SourceOptions(url=PAGE)).parse(answer, None) if isinstance(item, Post)]
    assert [post.opt_outs for post in found] == [("noarchive", "noindex")] * 2


# --- listings --------------------------------------------------------------------------------------------------------


def card(number: int, day: str) -> str:
    return (
        f'<div class="grid-item image"><a class="card" href="/ESA_Multimedia/Images/2021/0{number}/Page_{number}">'
        f'<h3 class="heading">Page</h3><div class="meta"><span>{day}</span></div></a></div>'
    )


NEXT = (
    '<div class="paging"><a title="Next" href="/ESA_Multimedia/Sets/Essai/(offset)/50/(sortBy)/published">›</a></div>'
)


def test_a_listing_gives_its_pages_and_the_next_listing() -> None:
    """Cards first, then the next fifty; every request is for a page and bound by robots.txt."""
    found = read(card(4, "22/04/2021") + card(3, "15/03/2021") + NEXT, LISTING.format(0))
    assert all(isinstance(item, Request) and item.access is Access.PAGE for item in found)
    assert [item.url.rpartition("/ESA_Multimedia/")[2] for item in found if isinstance(item, Request)] == [
        "Images/2021/04/Page_4",
        "Images/2021/03/Page_3",
        "Sets/Essai/(offset)/50/(sortBy)/published",
    ]


@pytest.mark.parametrize(
    ("since", "count"),
    [((2021, 3, 15, 23, 59), 3), ((2021, 3, 16), 2), ((2021, 4, 22, 23), 2), ((2021, 4, 23), 0)],
)
def test_a_listing_ends_when_a_whole_page_is_older_than_since(since: tuple[int, ...], count: int) -> None:
    """A card's day is an interval of 24 hours; one card that may be younger keeps the listing going."""
    bound = datetime(*since, tzinfo=UTC)  # type: ignore[misc,arg-type]
    assert len(read(card(4, "22/04/2021") + card(3, "15/03/2021") + NEXT, LISTING.format(0), since=bound)) == count


def test_an_undated_card_keeps_a_listing_going() -> None:
    """What has no date is not older than anything."""
    bound = datetime(2030, 1, 1, tzinfo=UTC)
    assert len(read(card(4, "22/04/2021") + card(3, "soon") + NEXT, LISTING.format(0), since=bound)) == 2


def test_a_listing_does_not_lead_to_other_hosts_nor_back() -> None:
    """Links to other sites, to videos and to smaller offsets are not followed."""
    body = (
        card(1, "05/01/2021")
        + '<div class="grid-item"><a href="https://other.example/ESA_Multimedia/Images/2021/01/Page">x</a></div>'
        + '<div class="grid-item"><a href="/ESA_Multimedia/Videos/2021/01/Film">x</a></div>'
        + '<div class="paging"><a title="Next" href="https://other.example/(offset)/50/">›</a>'
        + '<a href="/ESA_Multimedia/Sets/Essai/(offset)/0/">1</a></div>'
    )
    found = read(body, LISTING.format(50))
    assert [item.url for item in found if isinstance(item, Request)] == [
        "https://www.esa.int/ESA_Multimedia/Images/2021/01/Page_1"
    ]


def test_an_empty_listing_must_say_that_it_is_empty() -> None:
    """A page without cards is understood where it has the listing's paging, and is an error where it has nothing."""
    assert read('<div class="paging"><a title="Previous" href="/x">‹</a></div>', LISTING.format(50)) == []
    assert len(read(NEXT, LISTING.format(0))) == 1
    with pytest.raises(ParseError, match="no card"):
        read("<p>Welcome to our new web site.</p>", LISTING.format(50))


def test_what_a_listing_leads_on_to_is_read_as_a_listing() -> None:
    """The next page of a listing is one whatever its address, and a card's page never is, whatever it shows."""
    topic = "https://www.esa.int/Topics/Essai"
    assert [type(item) for item in read(card(1, "05/01/2021"), topic, carry="listing")] == [Request]
    cards = card(1, "05/01/2021") + card(2, "06/01/2021")
    assert [type(item) for item in read(cards, topic)] == [Request, Request]
    assert all(isinstance(item, Post) for item in read(cards + figure(shown(1), caption(1)), topic, carry="page"))


def test_a_page_without_a_date_takes_the_one_on_its_card() -> None:
    """The listing's day is handed to the page with the request."""
    found = read(INTRO + figure(shown(1), caption(1)), carry="page 2021-04-22")
    assert [str(item.published) for item in found if isinstance(item, Post)] == ["2021-04-22", "None"]


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ("Sets/Essai", "Sets/Essai/(offset)/0/(sortBy)/published/(result_type)/images"),
        ("Missions/Essai/", "Missions/Essai/(offset)/0/(sortBy)/published/(result_type)/images"),
        ("Keywords/Description/Lac", "Keywords/Description/Lac/(offset)/0/(sortBy)/published/(result_type)/images"),
        ("Sets/Essai/(offset)/100", "Sets/Essai/(offset)/100"),
        ("Sets/Essai/%28offset%29/100", "Sets/Essai/%28offset%29/100"),
        ("Images/2021/04/Page", "Images/2021/04/Page"),
        ("Search?SearchText=lac", "Search?SearchText=lac"),
    ],
)
def test_a_set_a_mission_or_a_keyword_is_read_newest_first(given: str, begins: str) -> None:
    """Its bare address shows a choice in the site's own order; an address that says more is asked for as it is."""
    root = "https://www.esa.int/ESA_Multimedia/"
    (request,) = EsaGallery("esa", SourceOptions(url=root + given)).start(None)
    assert request.url == root + begins


FULL = "".join(card(1, "05/01/2021").replace("Page_1", f"Page_{number}") for number in range(50))


def following(body: str, offset: int, carry: str | None = None) -> tuple[str, str | None] | None:
    """The request for the next listing: its address, and what it carries."""
    found = [item for item in read(body, LISTING.format(offset), carry=carry) if isinstance(item, Request)]
    return next(((item.url, item.carry) for item in found if "(offset)" in item.url), None)


def test_a_full_page_without_paging_leads_to_the_next_fifty() -> None:
    """Its cards may be all there are: an empty page, or the same one again, is then the end and no failure."""
    url, carry = following(FULL, 100) or ("", "")
    assert url == LISTING.format(150)
    assert read("<p>Welcome</p>", url, carry=carry) == []
    assert following(FULL, 150, carry) is None
    assert following(card(1, "05/01/2021"), 100) is None
    with pytest.raises(ParseError):
        read("<h1>Page not found</h1>", url, carry=carry)


def test_a_listing_that_repeats_a_page_is_an_error() -> None:
    """Where the site's own link leads to the same cards again, nothing would ever end, and something is missing."""
    _, carry = following(FULL + NEXT, 0) or ("", "")
    with pytest.raises(ParseError, match="repeats the page before"):
        read(FULL + NEXT.replace("/50/", "/100/"), LISTING.format(50), carry=carry)
    assert read(card(2, "06/01/2021") + NEXT.replace("/50/", "/100/"), LISTING.format(50), carry=carry) != []


def test_a_listing_in_another_order_does_not_end_at_an_old_page() -> None:
    """By relevance, say, what is new may stand on any page; old cards are left out all the same."""
    bound = datetime(2021, 3, 1, tzinfo=UTC)
    by_relevance = LISTING.format(0).replace("published", "relevance")
    found = read(card(1, "05/01/2021") + NEXT, by_relevance, since=bound)
    assert [item.carry.split()[0] for item in found if isinstance(item, Request) and item.carry] == ["listing"]


def test_the_photo_library_s_sentence_gives_day_person_and_mission_and_is_no_caption() -> None:
    """A page with its two quotations is one post, dated by the page; when the picture was taken is its credit's day."""
    told = (
        "This image was taken on 25/05/2017 by Anna Bellini during the Essai mission and was published on social media "
        "with the following comments in English and French."
    )
    page = (
        "<h1>Un lac</h1><main><img src='/a/lac.jpg' width='900' height='600'>"
        f'<p>{told}</p><p>"A lake under the clouds, at the end of the day."</p>'
        '<p>"Un lac sous les nuages, à la fin du jour."</p></main>'
    )
    (post,) = posts_of(page)
    reading = reading_of(post, [Mission(id="essai", name="Essai")], None)
    assert reading.credit is not None
    assert (reading.credit.person, str(reading.credit.day), reading.mission) == ("Anna Bellini", "2017-05-25", "essai")
    assert {str(lang): found.text for lang, found in reading.captions.items()} == {
        "en": '"A lake under the clouds, at the end of the day."',
        "fr": '"Un lac sous les nuages, à la fin du jour."',
    }


# --- what is no page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<h1>Sign in</h1><img src='/hall.jpg'><form><input type='password'></form>", "login or an error"),
        (
            "<title>404 - Page not found</title><meta property='og:image' content='/card.jpg'><h1>Oh no</h1>",
            "error page",
        ),
        ("<h1>Nothing but words</h1><p>Here is a text without any picture and without any caption.</p>", "no picture"),
        ("<div>" * 100_000 + INTRO + figure(shown(1), caption(1)), "nests tags deeper"),
        ("<b></b>" * 101_000, "more than 100000 tags"),
    ],
)
def test_what_is_no_page_of_pictures_is_an_error_that_keeps_the_page(body: str, reason: str) -> None:
    """Served with 200 or not: never a silent nothing; the error names the address and the bytes."""
    with pytest.raises(ParseError, match=reason) as raised:
        read(body)
    assert raised.value.url == PAGE
    assert raised.value.sha256 == capture(document(body)).sha256


def test_a_page_that_is_cut_gives_what_it_has_and_a_failure() -> None:
    """The pictures before the cut are kept; that others may be missing is said."""
    whole = document(INTRO + figure(shown(1), caption(1)) + figure(shown(2), caption(2)))
    items = EsaGallery("esa", SourceOptions(url=PAGE)).parse(capture(whole[: whole.index("23250002")]), None)
    found = list(islice(items, 2))
    with pytest.raises(ParseError, match="ends in the middle"):
        next(items)
    assert [item.native_id for item in found if isinstance(item, Post)][1:] == ["23250001"]


def test_ten_megabytes_of_caption_are_kept() -> None:
    """A huge caption is text like any other."""
    french = "« " + "Longue légende. " * 640_000 + "»"
    found = pictures_of(INTRO + figure(shown(1), [french, *caption(1)[1:]]))
    assert [len(post.body) for post in found] == [len("\n".join([french, *caption(1)[1:]]))]


def test_hostile_text_can_be_written_to_any_store() -> None:
    """NUL and half surrogate pairs, raw, as entities or in JSON, leave no trace that a file or database refuses."""
    items = [{"src": shown(1), "caption": "« \x00 \ud800 » &#0; &#xD800;", "credit": caption(1)[2]}]
    body = (
        INTRO + f"<script>x = {json.dumps(items)};</script>" + figure(shown(2), ["« \x00 &#xDFFF; »", *caption(2)[1:]])
    )
    for post in posts_of(body):
        text = f"{post.title}{post.body}{post.native_id}"
        assert "\x00" not in text
        assert text.encode("utf-8").decode("utf-8") == text


def test_a_key_stays_on_its_line_whatever_an_address_holds() -> None:
    """Line ends and escapes that stand encoded in addresses of page and picture are not decoded into the keys."""
    gallery = figure("/var/img/Pho%0ato%1b[31m_%C2%9b.jpg", caption(1))
    page, picture = posts_of(INTRO + gallery, f"{PAGE}%0Ax%1B%C2%9B%E2%80%A8é")
    assert page.native_id == "ESA_Multimedia/Images/2021/04/Une_page_d_essai%0Ax%1B%C2%9B%E2%80%A8é"
    assert picture.native_id == "Pho%0Ato%1B[31m_%C2%9B"
    assert picture.native_id == picture.attachments[0].native_id


def test_the_seed_page_in_every_plain_markup_gives_its_captions() -> None:
    """The caption and the introduction that started this project, as they stand."""
    path = SHARED / "captions" / "real.jsonl"
    if not path.exists():
        pytest.skip("../shared is not here: the real captions are not part of the repository")
    raw = {(entry := json.loads(line))["id"]: entry["raw"] for line in path.read_text("utf-8").splitlines()}
    lines = raw["esa-proxima-gallery-1"].split("\n")
    intro = raw["esa-proxima-gallery-intro"].split("\n")
    words = "</p><p>".join(html.escape(line) for line in intro)
    page = f"<h1>Images de la mission Proxima</h1><p>{words}</p>"
    for gallery in (figure(shown(1), lines), f"<p>Image caption</p><p>{'</p><p>'.join(lines)}</p>"):
        first, picture = posts_of(page + gallery)
        assert first.title == "Images de la mission Proxima"
        assert first.body.split("\n") == intro
        assert picture.body.split("\n") == lines
