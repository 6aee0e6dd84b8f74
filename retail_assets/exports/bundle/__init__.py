"""The serving bundle: the warehouse's answers and the segments' model as files that `serving` reads without either."""
