"""``python -m setpoint``: the command line."""

from __future__ import annotations

from setpoint.cli import main

if __name__ == "__main__":
    main()
