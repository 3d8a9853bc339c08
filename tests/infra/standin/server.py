"""A plugin server as Terraform starts it: gRPC with TLS on the loopback, and one line of output that says where.

What go-plugin asks for (https://github.com/hashicorp/go-plugin/blob/main/docs/internals.md): a certificate for
``localhost`` on the curve P-256, its DER in base64 without padding, and ``plugin.GRPCController/Shutdown``, without
which Terraform waits for two seconds at each end. The client's certificate is not asked for: its curve P-521 is not
one that gRPC takes.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent import futures
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.standin.messages import message

_SERVING = b"\x08\x01"
"""grpc.health.v1.HealthCheckResponse with the status SERVING."""
_ATTACHED: list[grpc.Server] = []
"""Servers in this process; they go with it."""
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def serve(calls: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> None:
    """Serve the calls of a provider until Terraform ends it, and end the process."""
    if "TF_PLUGIN_MAGIC_COOKIE" not in os.environ:
        sys.exit("This is a stand-in for a Terraform provider; Terraform starts it.")
    ended = threading.Event()

    def shut_down(_: Any) -> Any:
        ended.set()
        return message("Empty")()

    server = _server(calls, shut_down)
    key, certificate = _certificate()
    pair = (key, certificate.public_bytes(serialization.Encoding.PEM))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    encoded = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode().rstrip("=")
    sys.stdout.write(f"1|5|tcp|127.0.0.1:{port}|grpc|{encoded}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop(0.2).wait(1)
    os._exit(0)


def attach(calls: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    """Serve the calls of a provider in this process, so that Terraform starts none.

    Returns:
        What TF_REATTACH_PROVIDERS says of a provider. Source:
        https://github.com/hashicorp/terraform-plugin-go/blob/main/tfprotov5/tf5server/server.go
    """
    server = _server(calls, lambda _: message("Empty")())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _ATTACHED.append(server)
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    return {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True, "Addr": address}


def _server(calls: Mapping[str, tuple[str, Callable[[Any], Any]]], shut_down: Callable[[Any], Any]) -> grpc.Server:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=_OPTIONS)
    server.add_generic_rpc_handlers(
        (
            _handlers("tfplugin5.Provider", calls),
            _handlers("plugin.GRPCController", {"Shutdown": ("Empty", shut_down)}),
            _handlers("grpc.health.v1.Health", {"Check": ("Empty", lambda _: _SERVING)}),
        )
    )
    return server


def _handlers(service: str, calls: Mapping[str, tuple[str, Callable[[Any], Any]]]) -> Any:
    return grpc.method_handlers_generic_handler(
        service,
        {
            name: grpc.unary_unary_rpc_method_handler(
                _answering(answer),
                request_deserializer=message(sent).FromString,
                response_serializer=lambda made: made if isinstance(made, bytes) else made.SerializeToString(),
            )
            for name, (sent, answer) in calls.items()
        },
    )


def _answering(answer: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def call(request: Any, _: grpc.ServicerContext) -> Any:
        try:
            return answer(request)
        except Exception:
            traceback.print_exc()  # to Terraform's log, TF_LOG_PROVIDER=debug
            raise

    return call


def _certificate() -> tuple[bytes, x509.Certificate]:
    """A key and a certificate for this one run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate
