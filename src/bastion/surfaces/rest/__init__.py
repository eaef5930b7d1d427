"""REST: the verbs over HTTP at /v1, with one table from which routes, document and tests come."""
