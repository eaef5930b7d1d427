"""The margin venue: a client of the Strike API, whose emergency exit returns a position's original margin."""
