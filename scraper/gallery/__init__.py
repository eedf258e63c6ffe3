"""A page read by CSS selectors: selectors with attributes, items and their parts, dates, pictures, advice."""
