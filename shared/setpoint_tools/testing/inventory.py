"""Runs a program whose clients of Cloud Asset Inventory talk to a fake: `inventory.py ADDRESS PROGRAM ARG…`."""

from __future__ import annotations

import runpy
import sys

import google.auth
import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport

if __name__ == "__main__":
    address = sys.argv[1]
    setattr(AssetServiceGrpcTransport, "create_channel", lambda *_, **__: grpc.insecure_channel(address))  # noqa: B010
    setattr(google.auth, "default", lambda *_, **__: (AnonymousCredentials(), None))  # type: ignore[no-untyped-call]  # noqa: B010
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
