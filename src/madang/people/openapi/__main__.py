"""`python -m madang.people.openapi FILE`: the document as a file, for those who make clients of it."""

import sys
from pathlib import Path

import msgspec

from madang.people.openapi.document import describe

Path(sys.argv[1]).write_bytes(msgspec.json.encode(describe()))
