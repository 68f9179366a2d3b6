"""What to do next, decided without doing it: pure behaviours that own no clock, thread, socket, file or randomness."""
