"""Upkeep of a home: deleting what nobody needs any more, and a copy of everything that survives the machine."""
