"""The private streams of venues: they ring where an account changes; looks over REST tell what is true."""
