"""The MCP surface: tools and resources over `commands`, on stdio, Streamable HTTP and the older SSE form."""
