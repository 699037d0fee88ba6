"""``python -m benchmarks.awfy`` is ``python -m benchmarks.awfy.run``."""

from .run import main

raise SystemExit(main())
