"""The facts of runs, in what order they may happen, their encoding, and the store that keeps them."""
