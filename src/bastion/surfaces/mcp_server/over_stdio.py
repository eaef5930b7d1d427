"""Over stdio: the protocol on standard input and output; everything else goes to standard error."""

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def serve_stdio(server: Server) -> None:
    """Serve one client until its end of the pipe closes."""
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())
