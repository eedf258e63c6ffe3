"""What the Internet Archive answers, taken apart: its index (CDX) and its captures (mementos); pure."""
