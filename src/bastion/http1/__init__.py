"""HTTP/1.1 as a client: connections that are kept, one request at a time on each, and nothing sent twice."""
