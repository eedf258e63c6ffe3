"""What Flickr says, taken apart: its answers and errors, its photos, its sizes and its licences."""
