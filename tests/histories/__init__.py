"""Histories that releases have recorded, one a feature; each is replayed by every later version of the code."""
