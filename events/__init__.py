"""What happened, and in what order it may happen: facts, their laws, their encoding, the store."""
