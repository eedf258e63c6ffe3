"""The outside world, read politely and turned into posts; knows no database."""
