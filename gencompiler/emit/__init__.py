"""Stage 6: row programs and schedules in, the files of a package out: torch, Triton, training, tests, certificate."""
