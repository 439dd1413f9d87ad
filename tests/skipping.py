"""Hooks of pytest: where ``CI`` is ``true`` nothing may be skipped, since nobody would notice."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _report(item, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _report(collector, (yield))


def _report(node, report):
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{node.nodeid} was skipped, and nothing may be in CI: {report.longrepr[2]}"
    return report
