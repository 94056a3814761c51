"""A slow model of what becomes of a request in time, written from the rules alone.

It shares no code with the library and reads the rules as literally as it can: time goes on minute
by minute, and each minute is counted for a clock or not.
All that happens in a *life* happens on whole minutes, so counting minutes is exact.

- `calendar`: which minutes are worked, read from the plain files of the policy and of the holidays.
- `life`: what can happen to a request, as plain entries, and lives at random.
- `model`: what the rules say of a life; what they leave open is listed in `model.SILENT`.
- `comparing`: a life as commands of the library, and where the two differ.

`python -m slow 0 1000` (in `tests/requests`) compares a thousand lives and tells each kind of
difference with a small life; see `slow --help`.
"""
