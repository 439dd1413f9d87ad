"""A worker process of its own that sends a campaign until nothing is left; tests kill it with SIGKILL."""

from __future__ import annotations

import sys
import time

import django

if __name__ == "__main__":
    django.setup()

    from feedback import campaigns

    campaign_id, most = int(sys.argv[1]), int(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    idle = 0
    while idle < 5:
        if campaigns.send_batch(campaign_id=campaign_id, most=most):
            idle = 0
        else:
            idle += 1
            time.sleep(0.1)
