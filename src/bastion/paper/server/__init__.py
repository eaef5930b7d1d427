"""The server: sockets, injected faults, the request log and the control API around the wires."""
