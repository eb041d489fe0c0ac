"""The lab: a network that one can touch, in the browser; a server on loopback and a page, which call the library only."""

from clearprop.laboratory.entrance import lab

__all__ = ["lab"]
