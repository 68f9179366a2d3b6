"""Doors for those who have another library, too: `understudy.contrib.pydantic`.

They are made of what the other doors offer. Nothing imports this room.
"""
