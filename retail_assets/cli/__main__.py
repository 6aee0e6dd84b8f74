"""`python -m retail_assets.cli`: the same as `retail-assets`."""

import sys

from retail_assets.cli.app import main

sys.exit(main())
