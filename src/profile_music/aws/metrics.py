"""One line a request in CloudWatch's embedded metric format: a log line that is also four metrics.

Powertools would write the same line; importing its logger and metrics costs a cold start more than this module does
(the figures stand in docs/deploy.md), so it is not used.
"""

from __future__ import annotations

import json
import sys
import time

NAMESPACE = "ProfileMusic"
_UNITS = {"Duration": "Milliseconds", "Requests": "Count", "Failures": "Count", "ColdStarts": "Count"}


def record(handler: str, status: int, duration_s: float, *, cold: bool) -> None:
    """Write one request's metrics to stdout: no input, no answer, only how it went.

    Args:
        handler: Which handler; the metrics' dimension.
        status: The HTTP status, or what it would be; 5xx counts as a failure.
        duration_s: From event to answer.
        cold: Whether this process had answered nothing before.
    """
    values = {
        "Duration": round(duration_s * 1e3, 1),
        "Requests": 1,
        "Failures": int(status >= 500),
        "ColdStarts": int(cold),
    }
    metrics = [{"Name": name, "Unit": unit} for name, unit in _UNITS.items()]
    described = {"Namespace": NAMESPACE, "Dimensions": [["Handler"]], "Metrics": metrics}
    envelope = {"Timestamp": int(time.time() * 1e3), "CloudWatchMetrics": [described]}
    sys.stdout.write(json.dumps({"_aws": envelope, "Handler": handler, "Status": status, **values}) + "\n")
    sys.stdout.flush()
