"""Programs as people write them are material for the tests, not tests: nothing is collected from their folders."""

collect_ignore = ["programs", "wrong_programs"]
