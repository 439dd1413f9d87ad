"""A worker of its own that prepares a campaign and hands its mails over, and says what that took."""

from __future__ import annotations

import json
import resource
import sys
import time

import django

if __name__ == "__main__":
    django.setup()

    from feedback import campaigns

    campaign_id, audience_id = map(int, sys.argv[1:])
    began = time.monotonic()
    campaigns.take_over(audience_id=audience_id)
    prepared = time.monotonic()
    while campaigns.send_batch(campaign_id=campaign_id):
        pass
    sys.stdout.write(
        json.dumps(
            {
                "preparing": prepared - began,
                "sending": time.monotonic() - prepared,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
