"""The archive: what was read, kept and found again; works with the network unplugged."""
