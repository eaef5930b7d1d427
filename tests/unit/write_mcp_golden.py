"""Write: makes the reviewed list of tools anew, for a person to read in the difference."""

import json

from tests.unit.test_mcp_listing import GOLDEN, listing

if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(listing(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
