"""Reading a feed, whatever its dialect: RSS, Atom and JSON Feed become one shape; does no I/O."""
