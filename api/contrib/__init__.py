"""Doors for those who have another library, too.

`pydantic` has its models as arguments and results (`understudy.contrib.pydantic`). Such doors are made of what the
other doors offer. Nothing imports this room.
"""
