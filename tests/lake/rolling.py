"""A process that rolls small batches until it is killed, and says so each time: `python -m tests.lake.rolling DSN FOLDER`."""

from __future__ import annotations

import sys
import time

import duckdb

from madang.lake.connection import Place, open_lake
from madang.lake.roller import prepare, roll
from madang.lake.upkeep import merge


def main() -> None:
    lake = open_lake(sys.argv[1], Place(sys.argv[2]))
    prepare(lake)
    while True:
        try:
            for _ in range(3):
                if roll(lake, 7) is None:
                    time.sleep(0.005)
                else:
                    print("rolled", flush=True)
            merge(lake)
        except duckdb.Error as error:
            print(error, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
