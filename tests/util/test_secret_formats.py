"""Tokens and keys of published formats are known wherever they stand, and other texts are left as they are."""

from __future__ import annotations

import json
import time

import pytest

from setpoint.cli.output import out, visible
from setpoint.declarations.readers import terraform_propose
from setpoint.model.difference import Difference
from setpoint.util import telemetry
from setpoint.util.secret_formats import SCRUBBED, holds_known, holds_secret, scrub

MARK = "Zq1234xW7kPv9TbR2"
TOKENS = [
    f"ghp_{MARK}a1B2a1B2",
    f"github_pat_{MARK}_x",
    f"glpat-{MARK}",
    f"xoxb-1234-{MARK}",
    f"AIzaSy{MARK}Ab3Ab3Ab3Ab3",
    f"ya29.{MARK}",
    f"GOCSPX-{MARK}",
    f"sk_live_{MARK}",
    f"SG.{MARK}.{MARK}",
    f"npm_{MARK}abcd",
    f"dckr_pat_{MARK}",
    f"hvs.{MARK}",
    f"glsa_{MARK}abcd",
    f"sk-proj-{MARK}",
    f"lin_api_{MARK}abcd",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{MARK}.{MARK}",
    f"https://hooks.slack.com/services/T0/B0/{MARK}",
    f"-----BEGIN EC PRIVATE KEY-----\n{MARK}\n-----END EC PRIVATE KEY-----",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("text", ["{}", "see {} for more", '{{"x": "{}"}}', "a={}", "<{}>"])
def test_a_token_is_known_in_any_text_and_scrubbed(token: str, text: str) -> None:
    whole = text.format(token)
    assert holds_known(whole)
    assert MARK not in scrub(whole)


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://shop:{MARK}@10.0.0.3/shop",
        f"--db-password {MARK} --port 80",
        f"DB_PASSWORD={MARK}",
        f"password: {MARK}",
        f'{{"client_secret": "{MARK}"}}',
        f"Authorization: Bearer {MARK}",
        f"curl -u admin:{MARK} https://x",
        f"https://x/hook?token={MARK}&a=b",
        f"CREATE USER shop IDENTIFIED BY '{MARK}'",
    ],
)
def test_what_a_text_says_is_a_secret_is_scrubbed_and_the_rest_stays(text: str) -> None:
    assert holds_secret(text)
    scrubbed = scrub(text)
    assert MARK not in scrubbed
    assert SCRUBBED in scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "accepted until the migration of March",
        "the password is kept in the vault",
        "projects/p/secrets/db-password/versions/1",
        "roles/iam.serviceAccountTokenCreator granted to user:ann@example.com (condition none)",
        "europe-docker.pkg.dev/p/r/i@sha256:" + "a1" * 32,
        "//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/web-0a1b2c3d",
        "settings.ipConfiguration.requireSsl: true → false",
        "secretKeyRef: projects/p/secrets/s",
        "token=$TOKEN",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    "text", ["eyJ-" * 5_000, "a-" * 10_000 + "=", "://:" * 5_000, "password: " * 2_000, "-----" * 4_000]
)
def test_a_long_text_is_looked_at_in_no_time(text: str) -> None:
    started = time.process_time()
    scrub(text)
    holds_secret(text)
    assert time.process_time() - started < 5


def test_a_line_of_the_log_holds_no_token(capsys) -> None:
    telemetry.log("ERROR", f"refused: password={MARK}", name=f"ghp_{MARK}a1B2a1B2", count=3)
    line = capsys.readouterr().out
    assert MARK not in line
    assert json.loads(line)["count"] == 3


def test_a_terminal_shows_control_characters_and_obeys_none() -> None:
    assert visible("label\x1b[2J\x07\u202etxt") == "label\\x1b[2J\\x07\\u202etxt"
    assert visible("Grüße, 東京\n\tx") == "Grüße, 東京\n\tx"


def test_a_console_escapes_what_it_prints() -> None:
    with out.capture() as captured:
        out.print("label\x1b[2J", markup=False)
    assert captured.get() == "label\\x1b[2J\n"


def test_a_proposal_for_terraform_begins_no_template() -> None:
    changed = Difference("description", "changed", declared="a", observed='${file("/etc/passwd")} %{ if true }')
    (line,) = terraform_propose.as_attributes({}, [changed])
    assert '"$${file(' in line
    assert "%%{ if true }" in line


@pytest.mark.parametrize(
    "begin", ["-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----", "-----BEGIN"]
)
@pytest.mark.parametrize("between", ["", "a", " ", "-", "\n", "\nMIIE"])
def test_a_value_of_many_beginnings_of_keys_costs_no_more_than_its_length(begin, between):
    """Metadata of an instance may have 256 KB in a value (https://cloud.google.com/compute/docs/metadata/overview)."""
    text = (begin + between) * (256_000 // len(begin + between))
    for whole in (text, text + "x" * 20_001):
        started = time.process_time()
        holds_known(whole)
        scrub(whole)
        assert time.process_time() - started < 2


def test_a_key_that_is_cut_off_ends_where_the_next_block_begins():
    key, certificate = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq", "-----BEGIN CERTIFICATE-----\nMIIC\n"
    scrubbed = scrub(f"a\n{key}\n{certificate}-----END CERTIFICATE-----\nb\n{key}\n{key}")
    assert "MIIEvQ" not in scrubbed
    assert "BEGIN CERTIFICATE-----\nMIIC" in scrubbed
    assert (scrubbed.startswith("a\n"), "\nb\n" in scrubbed) == (True, True)
    assert "MIIEvQ" not in scrub(f"{key}\n-----END PRIVATE KEY-----")
