"""Tweets in the forms in which they are found: what the API gave, what an archive captured; pure."""

from scraper.tweets.captured import posts_of

__all__ = ["posts_of"]
