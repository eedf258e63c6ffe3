"""What step 0006 makes beside plain tables, apart from that step, so that Alembic is not loaded.

``post_search`` holds the terms of posts, in the words of either database. Triggers note in ``index_pending`` whose
index row is behind, whatever statement changed a post, its parts or what a curator says of it. They mark too much
rather than too little: what is noted in vain costs a comparison.

A step that changes any of it writes its statements out anew and leaves this module to step 0006.
"""

from __future__ import annotations

from collections.abc import Iterator

#: tables whose rows say something that a post is found by, and their column with the post's number
_NOTED = {
    "posts": "id",
    "segments": "post_id",
    "hashtags": "post_id",
    "attachments": "post_id",
    "revisions": "post_id",
    "curation": "post_id",
    "tags": "post_id",
}
_EVENTS = {"insert": "new", "update": "new", "delete": "old"}


def search_table(dialect: str) -> Iterator[str]:
    """The statements that make ``post_search`` and let its rows go with those of ``post_index``.

    Terms come ready-made (``storage.search.documents``), so the tokenizer only parts them. FTS5 keeps no lengths of
    documents (``columnsize``), as ranking is not its business: what that wants is in ``extent``. See https://www.sqlite.org/fts5.html
    """
    if dialect == "postgresql":
        yield (
            "CREATE TABLE post_search ("
            "ordinal BIGINT NOT NULL CONSTRAINT pk_post_search PRIMARY KEY"
            " CONSTRAINT fk_post_search_ordinal_post_index REFERENCES post_index (ordinal) ON DELETE CASCADE,"
            " terms TSVECTOR NOT NULL, extent TEXT NOT NULL)"
        )
        # what was written last is looked through word by word: half a megabyte of it is some milliseconds
        yield ("CREATE INDEX ix_post_search_terms ON post_search USING gin (terms) WITH (gin_pending_list_limit = 512)")
        return
    yield (
        "CREATE VIRTUAL TABLE post_search"
        """ USING fts5(fr, en, rest_fr, rest_en, extent UNINDEXED, tokenize="ascii tokenchars '_'", columnsize=0)"""
    )
    yield (
        "CREATE TRIGGER post_index_deleted AFTER DELETE ON post_index"
        " BEGIN DELETE FROM post_search WHERE rowid = old.ordinal; END"
    )


def triggers(dialect: str) -> Iterator[str]:
    """The statements that make the triggers which note what is behind."""
    if dialect == "postgresql":
        for column in sorted(set(_NOTED.values())):
            yield (
                f"CREATE FUNCTION index_note_{column}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"  # noqa: S608
                f" INSERT INTO index_pending SELECT DISTINCT {column} FROM changed ON CONFLICT DO NOTHING;"
                " RETURN NULL; END $$"
            )
    for table, column in _NOTED.items():
        for event, state in _EVENTS.items():
            if table == "posts" and event == "delete":
                continue  # its index row goes with it
            head = f"CREATE TRIGGER index_{table}_{event} AFTER {event.upper()} ON {table}"
            if dialect == "postgresql":
                yield (
                    f"{head} REFERENCING {state.upper()} TABLE AS changed"
                    f" FOR EACH STATEMENT EXECUTE FUNCTION index_note_{column}()"
                )
            else:
                # not INSERT OR IGNORE: the statement that sets the trigger off may say otherwise, and has the last word
                yield (
                    f"{head} BEGIN"  # noqa: S608 - our own words
                    f" INSERT INTO index_pending VALUES ({state}.{column}) ON CONFLICT DO NOTHING; END"
                )
