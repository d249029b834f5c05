"""Videos and pictures: read, written, drawn over."""
