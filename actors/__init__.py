"""The shell that makes the next thing happen: pykka actors on one shared loop.

In reading order: `dispatch` (mailboxes and turns), `journal` (the only writer), `runs` (one live run, and all of them),
`effects` (what follows a commit), `activities` (attempts), `timers`, `relations` (runs and other runs), `requests`
(what a client can ask), `supervision`, `guard` (around workflow code), `system` (the composition root), `open_systems`
(one system a store). Small ones: `clock`, `ids`, `stored_failures`, `process_tuning`. What is decided without doing it
is in `behaviors`, a floor of its own. The doors import this floor; it imports `events`.
"""
