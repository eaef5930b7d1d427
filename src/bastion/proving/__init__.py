"""Proving: THE ONLY PART OF BASTION THAT CAN OPEN A POSITION.

Everything else can express reducing orders only, and the gate at the wire lets nothing else pass. To know
that an exit works at a venue's own host, there must be something to exit, and this part opens it: one
position of the contract's smallest size, in an account whose configuration allows it, after a person has
confirmed it, from the command line alone. docs/decisions/0028 says why, and by what it is fenced in. Nothing
of the daemon, of MCP, of REST, of the engine or of the verbs may import it; import-linter holds that.
"""
