"""Reading a web page of pictures: which images it shows and which words stand with which image; does no I/O."""
