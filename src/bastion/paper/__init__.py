"""The paper exchange: a perpetuals exchange on loopback that speaks the wire protocols of real venues."""
