"""The gate at the wire: the last step before the socket.

It reads the bytes of each private request and lets nothing pass but a read, a cancel, or an order that, by
the rule of that venue and that mode, can only reduce. It knows nothing of the desk, holds no state and asks
nobody, so that it can stand in a process of its own beside the credentials.
"""
