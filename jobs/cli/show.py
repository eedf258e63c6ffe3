"""``cupola show``: one post whole, and where all of it came from."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading


@click.command()
@click.argument("key")
@click.option(
    "--history",
    "with_history",
    is_flag=True,
    help="Also what became of it: edits, gone and back, a curator's decisions.",
)
@click.option(
    "--side-by-side",
    is_flag=True,
    help="The captions sentence by sentence: which answers which, and how likely; with --json as `alignment`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record and its provenance as one JSON object.")
@reading
@common
def show(
    key: str, with_history: bool, side_by_side: bool, as_json: bool, archive: str | None, config: Path | None
) -> int:
    """One post whole: captions, credit, pictures, segments, its links with other posts, and its provenance.

    KEY is <source>:<id> as `cupola query` shows it, or the post's web address. With --side-by-side a sentence that
    nobody answers stands alone, and captions that are no translations of each other score low (0 to 1).
    Exit status: 2 when there is no such post, 3 when the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.lookup import linked, show

    place = archive_place(config, archive)
    database = open_database(place, read_only=True)
    try:
        post, provenance = show(database, key)
        links = linked(database, post.key)
        events = None
        if with_history:
            from storage.history import history

            events = history(database, key)
    finally:
        database.close()
    fr, en = post.caption_fr or "", post.caption_en or ""
    from jobs.cli.parting import aligned, sure_of

    sure = sure_of(post)
    if as_json:
        import json

        from jobs.cli.output import for_programs

        record = post.as_json() | {"links": [link.as_json() for link in links]}
        record["provenance"] = provenance.as_json() | {"part_confidence": sure}
        if events is not None:
            record["history"] = [event.as_json() for event in events]
        if side_by_side:
            record |= aligned(fr, en)
        with for_programs() as write:
            write(json.dumps(record, ensure_ascii=False, indent=2) + "\n")
        return DONE
    from jobs.cli.output import for_people
    from jobs.cli.portrait import portrait

    captions = None
    if side_by_side and fr and en:
        from jobs.cli.sidebyside import beside
        from scraper.text.alignment import align

        captions = beside(fr, en, align(fr, en))
    elif side_by_side:
        click.echo("There are no two captions to stand side by side.", err=True)
    with for_people() as console:
        console.print(portrait(post, provenance, place.folder, console.width, captions, sure, links))
        if events is not None:
            from jobs.cli.chronicle import chronicle

            console.print("\nHistory", style="bold")
            console.print(chronicle(events))
    return DONE
