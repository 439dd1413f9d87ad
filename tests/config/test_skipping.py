"""A test that is skipped fails in CI, where nobody would notice, and nowhere else."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

IN_A_TEST = """
import pytest

@pytest.mark.skip(reason="by a mark")
def test_marked(): ...

@pytest.fixture
def browser():
    pytest.skip("by a fixture")

def test_without_a_browser(browser): ...

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    raise ValueError
"""
IN_A_FILE = """
import pytest

pytest.importorskip("no_such_module")
"""


@pytest.fixture
def run(tmp_path):
    """Run the tests that a file holds, with these hooks only; return what pytest says."""

    def run(source, ci):
        (tmp_path / "test_it.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "tests.skipping", tmp_path],
            cwd=settings.BASE_DIR,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": ci},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return run


def test_a_skipped_test_fails_in_ci_and_says_why(run):
    said = run(IN_A_TEST, "true")

    assert "1 xfailed, 2 errors" in said
    assert "nothing may be in CI: Skipped: by a mark" in said
    assert "nothing may be in CI: Skipped: by a fixture" in said


def test_a_skipped_file_fails_in_ci(run):
    assert "nothing may be in CI: Skipped: could not import 'no_such_module'" in run(IN_A_FILE, "true")


def test_tests_may_be_skipped_elsewhere(run):
    assert "2 skipped, 1 xfailed" in run(IN_A_TEST, "")
