"""Coverage-guided fuzzing: `make fuzz`, or `PYTHONPATH=tests python -m fuzzing [NAME ...] [-- libFuzzer's options]`.

It needs the package `atheris` (see CONTRIBUTING.md). Inputs that reach new code are added to `corpus/NAME`.
"""

from __future__ import annotations

import subprocess
import sys

import atheris

with atheris.instrument_imports(include=["setpoint", "yaml", "msgspec"]):
    from fuzzing.targets import CORPUS, TARGETS, run

_SECONDS = 60


def _fuzz(name: str, options: list[str]) -> None:
    """Fuzz one reader until a fault, or until the time is over; never returns."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "first").write_bytes(TARGETS[name][1])
    atheris.Setup([sys.argv[0], str(folder), *options], lambda data: run(name, data))
    atheris.Fuzz()


def main() -> int:
    words, _, rest = " ".join(sys.argv[1:]).partition("--")
    options = rest.split() or [f"-max_total_time={_SECONDS}", "-rss_limit_mb=1024", "-timeout=10"]
    names = words.split() or list(TARGETS)
    if len(names) == 1:
        _fuzz(names[0], options)
    codes = [subprocess.run([sys.executable, "-m", "fuzzing", name, "--", *options], check=False) for name in names]
    return max(code.returncode != 0 for code in codes)


if __name__ == "__main__":
    sys.exit(main())
