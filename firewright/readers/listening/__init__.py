"""Listings of sockets that somebody kept: what `ss` or `netstat` printed of a machine, of any version and system.

`listening/NAME.py` has a `LISTING`: how one program's text is known and read. Every line of a listing is counted: a socket that
listens, one that does not, or a line that is refused by name.
"""

from firewright.readers.listening._heard import (
    LISTINGS,
    Bound,
    HeardListing,
    HeardRow,
    HeardState,
    Holder,
    Listing,
    listing_of,
)

__all__ = ["LISTINGS", "Bound", "HeardListing", "HeardRow", "HeardState", "Holder", "Listing", "listing_of"]
