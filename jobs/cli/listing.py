"""Posts as a table for a terminal: date, key, both captions, pictures; made for 80 columns and for 200."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.cli.excerpt import Span, excerpt
from jobs.cli.wording import counted
from jobs.logs import printable
from storage.hits import Hit
from storage.postview import MediaView, PostView

#: from this width on a time stands beside the date, and a caption may take three lines
WIDE = 120
#: what a post is found by that no column shows, in the order in which it is told
_ELSEWHERE = {"title": "title", "text": "text", "credit": "credit", "alt": "picture"}


def listing(posts: Sequence[PostView], console: Console, hits: Sequence[Sequence[Hit]] = ()) -> Table:
    """A table of ``posts`` that fits the console; long captions are cut with an ellipsis.

    Args:
        posts: the rows.
        console: for which.
        hits: for each post what is to be marked in it, or nothing at all.
    """
    wide = console.width >= WIDE
    lines = 3 if wide else 2
    date = 16 if wide and any("T" in (post.published_at or "") for post in posts) else 10
    key = _key_width(posts, console.width)
    gaps = 4 * 2
    caption = max((console.width - date - key - len("pictures") - gaps) // 2, 8)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("date", no_wrap=True, width=date)
    table.add_column("key", overflow="fold", width=key)
    table.add_column("français", width=caption)
    table.add_column("English", width=caption)
    table.add_column("pictures", no_wrap=True, justify="right")
    for at, post in enumerate(posts):
        texts = _texts(post, hits[at] if hits else (), (caption, lines), console)
        table.add_row(_date(post, date), _key(post, key), *texts, _pictures(post.media))
    return table


def illustrated(
    posts: Sequence[PostView],
    console: Console,
    hits: Sequence[Sequence[Hit]],
    previews: Sequence[RenderableType],
    size: tuple[int, int],
) -> Table:
    """As ``listing``, with a picture before each post: of so many cells and lines, which its captions may take, too."""
    cells, lines = size
    key = max(_key_width(posts, console.width), 16 if console.width >= WIDE else 10)
    caption = max((console.width - cells - key - 3 * 2) // 2, 8)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 1, 0), show_edge=False)
    table.add_column("", no_wrap=True, width=cells)
    table.add_column("post", overflow="fold", width=key)
    table.add_column("français", width=caption)
    table.add_column("English", width=caption)
    for at, (post, drawn) in enumerate(zip(posts, previews, strict=True)):
        about = Text("\n").join([_key(post, key), _date(post, min(key, 16)), _held(post.media)])
        table.add_row(drawn, about, *_texts(post, hits[at] if hits else (), (caption, lines), console))
    return table


def _texts(post: PostView, hits: Sequence[Hit], room: tuple[int, int], console: Console) -> tuple[Text, Text]:
    """Both captions; without any, the title or the text in place of the French one. What was found must be seen."""
    spans: dict[str, list[Span]] = {}
    for hit in hits:
        # of several alternative texts, those of the first that answers
        name = "alt" if hit.medium is None else f"alt {hit.medium}"
        spans.setdefault(hit.field if hit.medium is None else name, []).append((hit.start, hit.end))
    shown = ["caption_fr", "caption_en"]
    if post.caption_fr is None and post.caption_en is None:
        shown[0] = "title" if post.title and not ("text" in spans and "title" not in spans) else "text"
    width, lines = room
    elsewhere = next((name for name in spans if name not in shown), None)
    if elsewhere is not None and not spans.keys().isdisjoint(shown):
        elsewhere = None
    cells = [
        excerpt(getattr(post, name), spans.get(name, ()), width, lines - (elsewhere is not None and not at), console)
        for at, name in enumerate(shown)
    ]
    if "caption_fr" not in shown:
        cells[0].stylize_before("dim italic")
    if elsewhere is None and not any(cell.plain for cell in cells):
        cells[0] = Text("no text", "dim italic")
    if elsewhere is not None:
        field, _, medium = elsewhere.partition(" ")
        label = Text(f"{_ELSEWHERE.get(field, field)}: ", "dim")
        text = post.media[int(medium)].alt if medium else getattr(post, field)
        found = excerpt(text, spans[elsewhere], max(width - len(label), 1), 1, console)
        cells[0] = Text("\n").join([*([cells[0]] if cells[0].plain else []), label + found])
    return cells[0], cells[1]


def _date(post: PostView, width: int) -> Text:
    if post.published_at is None:
        return Text("undated", style="yellow")
    return Text(post.published_at.removesuffix("Z").replace("T", " ")[: width if width >= 16 else 10])


def _key_width(posts: Sequence[PostView], width: int) -> int:
    """A fifth of the terminal, or up to a quarter where that keeps a source or an id in one piece, to be copied."""
    pieces = (len(piece) for post in posts for piece in (f"{post.source}:", post.native_id))
    fitting = max((piece for piece in pieces if piece <= width // 4), default=0)
    return min(max(len(post.key) for post in posts), max(width // 5, 12, fitting))


def _key(post: PostView, width: int) -> Text:
    """The key whole; where it needs two lines, the source stands on the first."""
    key = printable(post.key)
    return Text(key if len(key) <= width else key.replace(":", ":\n", 1), style="cyan")


def _held(media: tuple[MediaView, ...]) -> Text:
    """As ``_pictures``, in words."""
    held = sum(item.state == "stored" for item in media)
    if held == len(media):
        return Text(counted(held, "picture"), style="green") if held else Text("no picture", style="dim")
    return Text(f"{held:,} of {counted(len(media), 'picture')}", style="yellow")


def _pictures(media: tuple[MediaView, ...]) -> Text:
    """How many of the post's pictures are held."""
    if not media:
        return Text("·", style="dim")
    held = sum(item.state == "stored" for item in media)
    return Text(f"{held}/{len(media)}", style="green" if held == len(media) else "yellow")
