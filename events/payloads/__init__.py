"""Users' values as events hold them: content and marks, not yet turned into Python's objects.

In reading order: `payload`, the struct that stands in events; `marks`, its metadata, text in the store and bytes for
those who read it. Everybody may import them; they import nothing of ours but the public path. Converters, which make
payloads of values, are above, in `events.converters`.
"""
