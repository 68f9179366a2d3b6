"""The store in one SQLite file.

In reading order: `store`, the adapter; `recorder`, its writer, which is eventsourcing's, and `readers`, its connections
for reading; `statements`, the SQL by name; `schema`, the format of a file; `border`, which turns foreign errors into
ours; `file_lock`, one process a file. Only `events.store` opens it, by its URL; benchmarks and tests may look inside.
"""
