"""Daemon: `bastion up`: one process and one desk behind every surface that is asked over a socket."""
