"""Run by Python at its start where a test puts this folder on the path: in Spark's workers, to be killed there."""

import os

if kill := os.environ.get("FAULT_IN_WORKERS"):
    from retail_assets_tests.faults import kills

    kills.arm(kills.Kill.parse(kill))
