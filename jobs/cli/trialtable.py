"""The posts of a source that is tried, as a table for a terminal: id, date, captions, pictures, what is lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from jobs.cli.grid import flat
from jobs.cli.wording import counted
from jobs.logs import printable
from jobs.trial import Trial, Tried
from scraper.masking import shown
from scraper.model import Attachment, MediaKind

#: from this width on a caption may take more lines
_WIDE = 120
_GAPS = 3 * 2


def table(posts: Sequence[Tried], width: int) -> Table:
    """The table, to fit ``width`` cells; long texts are cut with an ellipsis, addresses at their front."""
    lines = 4 if width >= _WIDE else 3
    first = min(max([12, *(len(item.post.native_id) for item in posts)]), max(width // 5, 16))
    caption = max((width - first - _GAPS) * 3 // 10, 8)
    address = max(width - first - 2 * caption - _GAPS, 10)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    made.add_column("id, date", overflow="fold", width=first)
    made.add_column("français", width=caption)
    made.add_column("English", width=caption)
    made.add_column("pictures", width=address, overflow="fold")
    for item in posts:
        fr, en = (_cut(item.captions.get(lang, ""), caption * lines) for lang in ("fr", "en"))
        if not item.captions:
            fr = Text(_cut(item.post.body or item.post.title or "", caption * lines).plain, "dim italic")
        made.add_row(_first(item, first), fr, en, _pictures(item.post.attachments, address))
    return made


def summary(trial: Trial, rows: int) -> Iterator[Text]:
    """How many there are, what they lack, what would be asked for next."""
    posts = trial.posts
    more = f", of which {rows} are shown" if len(posts) > rows else ""
    yield Text(f"{counted(len(posts), 'post')} at {flat(shown(trial.asked[-1]))}{more}; nothing was archived.")
    lacking = Counter(what for item in posts for what in item.lacks)
    if lacking:
        told = ", ".join(f"{what} ({number} of {len(posts)})" for what, number in lacking.items())
        yield Text(f"Lacking: {told}.", "yellow")
    opt_outs = sorted({label for item in posts for label in item.post.opt_outs})
    if opt_outs:
        labels = printable(", ".join(opt_outs))
        yield Text(f"Asked not to be archived ({labels}): left out, unless ignore_opt_outs gives a reason.", "yellow")
    if trial.following:
        others = f" and {len(trial.following) - 1} more" if len(trial.following) > 1 else ""
        yield Text(f"Next would be: {flat(shown(trial.following[0]))}{others}", "dim")


def _first(item: Tried, width: int) -> Text:
    at = item.reading.published
    date = Text(str(at).removesuffix("Z").replace("T", " ")[: width if width >= 16 else 10]) if at else Text()
    lacks = Text("no " + ", ".join(item.lacks), "yellow") if item.lacks else Text()
    return Text("\n").join(part for part in (Text(flat(item.post.native_id), "cyan"), date, lacks) if part.plain)


def _pictures(attachments: Sequence[Attachment], width: int) -> Text:
    lines = []
    for item in attachments[:3]:
        name = "" if item.kind is MediaKind.IMAGE else f"{item.kind}: "
        more = f" +{len(item.alternatives)}" if item.alternatives else ""
        lines.append(Text(f"{name}{_end(item.url or 'not made yet', width - len(name) - len(more))}{more}"))
    if len(attachments) > 3:
        lines.append(Text(f"and {len(attachments) - 3} more", "dim"))
    return Text("\n").join(lines) if lines else Text("·", "dim")


def _end(url: str, width: int) -> str:
    """The end of an address, where the file's name is."""
    text = flat(shown(url)).partition("://")[2] or url
    return text if len(text) <= width else "…" + text[-max(width - 1, 1) :]


def _cut(text: str, room: int) -> Text:
    plain = flat(text)
    return Text(plain if len(plain) <= room else plain[: max(room - 1, 1)] + "…")
