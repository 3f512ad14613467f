"""The report of a run: one self-contained `report.html`.

`data` says what a report shows, `collect` reads it from a compilation and a run folder, `figures` draws, `page` writes.
"""
