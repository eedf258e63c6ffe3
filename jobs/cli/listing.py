"""Posts as a table for a terminal: date, key, both captions, pictures; made for 80 columns and for 200."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.logs import printable
from storage.postview import MediaView, PostView

#: from this width on a time stands beside the date, and a caption may take three lines
WIDE = 120
#: letters of a caption that are looked at; more fit into no cell
_ENOUGH = 1000


def listing(posts: Sequence[PostView], console: Console) -> Table:
    """A table of ``posts`` that fits the console; long captions are cut with an ellipsis."""
    wide = console.width >= WIDE
    lines = 3 if wide else 2
    date = 16 if wide and any("T" in (post.published_at or "") for post in posts) else 10
    key = _key_width(posts, console.width)
    gaps = 4 * 2
    caption = max((console.width - date - key - len("pictures") - gaps) // 2, 8)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("date", no_wrap=True, width=date)
    table.add_column("key", overflow="fold", width=key, style="cyan")
    table.add_column("français", width=caption)
    table.add_column("English", width=caption)
    table.add_column("pictures", no_wrap=True, justify="right")
    for post in posts:
        fr, en = (_cut(text, caption, lines, console) for text in (post.caption_fr, post.caption_en))
        if post.caption_fr is None and post.caption_en is None:
            fr = _cut(post.title or post.text, caption, lines, console)
            fr.stylize("dim italic")
        table.add_row(_date(post, date), _key(post, key), fr, en, _pictures(post.media))
    return table


def _cut(text: str | None, width: int, lines: int, console: Console) -> Text:
    """At most so many lines of a text, as one paragraph."""
    flat = " ".join(printable((text or "")[:_ENOUGH]).split())
    wrapped = Text(flat).wrap(console, width)
    if len(wrapped) <= lines:
        return Text("\n").join(wrapped)
    last = wrapped[lines - 1]
    last.rstrip()
    last.truncate(width - 1)
    last.append("…")
    return Text("\n").join(wrapped[:lines])


def _date(post: PostView, width: int) -> Text:
    if post.published_at is None:
        return Text("undated", style="yellow")
    return Text(post.published_at.removesuffix("Z").replace("T", " ")[:width])


def _key_width(posts: Sequence[PostView], width: int) -> int:
    """A fifth of the terminal, or up to a quarter where that keeps a source or an id in one piece, to be copied."""
    pieces = (len(piece) for post in posts for piece in (f"{post.source}:", post.native_id))
    fitting = max((piece for piece in pieces if piece <= width // 4), default=0)
    return min(max(len(post.key) for post in posts), max(width // 5, 12, fitting))


def _key(post: PostView, width: int) -> Text:
    """The key whole; where it needs two lines, the source stands on the first."""
    key = printable(post.key)
    return Text(key if len(key) <= width else key.replace(":", ":\n", 1))


def _pictures(media: tuple[MediaView, ...]) -> Text:
    """How many of the post's pictures are held."""
    if not media:
        return Text("·", style="dim")
    held = sum(item.state == "stored" for item in media)
    return Text(f"{held}/{len(media)}", style="green" if held == len(media) else "yellow")
