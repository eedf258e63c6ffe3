"""The kinds of place that publish posts, one file each; found by scanning."""
