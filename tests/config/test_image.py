import os
import re
import subprocess
import sys

from django.conf import settings

from config.bench.workplace import GRANIAN


def test_the_image_can_be_built_as_far_as_collecting_static_files(tmp_path):
    """Docker is not needed for this: the step runs in a shell, on the folders that the image copies."""
    dockerfile = (settings.BASE_DIR / "Dockerfile").read_text()
    step = re.search(r"^RUN (ODZEW_ENV=production .*?manage\.py collectstatic --noinput)$", dockerfile, re.M | re.S)[1]
    for name in re.findall(r"^COPY (\w+) \1$", dockerfile, re.M):
        (tmp_path / name).symlink_to(settings.BASE_DIR / name)
    (tmp_path / "manage.py").write_bytes((settings.BASE_DIR / "manage.py").read_bytes())

    collected = subprocess.run(
        ["sh", "-c", step.replace("python ", f"{sys.executable} ")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert collected.returncode == 0, collected.stderr
    assert (tmp_path / "var" / "static" / "staticfiles.json").exists()


def test_benchmarks_measure_what_the_image_serves_with():
    served = re.search(r"^CMD \[(.*?)\]$", (settings.BASE_DIR / "Dockerfile").read_text(), re.M | re.S)[1]

    for option in ("--workers", "--blocking-threads"):
        assert f'"{option}", "{GRANIAN[GRANIAN.index(option) + 1]}"' in served
