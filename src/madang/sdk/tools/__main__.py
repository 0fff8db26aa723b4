"""`python -m madang.sdk.tools`."""

import sys

from madang.sdk.tools.main import main

sys.exit(main())
