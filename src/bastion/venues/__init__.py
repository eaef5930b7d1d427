"""Venues: the adapters that read and reduce real accounts, each behind `ports.Venue`."""
