"""Stage 5: a verified model in, row programs out: loops over a small per-row state, and the schedule that fits them."""
