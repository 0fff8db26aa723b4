"""How an app with a virtual environment of its own begins, in a process that is confined already.

`python -m madang.runtime.begin FOLDER PACKAGE.MODULE DATA`
"""

from __future__ import annotations

import sys
from pathlib import Path

from madang.runtime.launch import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
