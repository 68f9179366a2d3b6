"""A room of its own; its map is to be written."""
