"""The reference: pages, schemas, man page and completions, each made from the code that it describes."""
