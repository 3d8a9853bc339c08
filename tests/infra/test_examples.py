"""What people take from infra/: the app of Slack, asset types, examples."""

from __future__ import annotations

import re

import pytest
import yaml

from infra.blocks import CODE, EXAMPLES, INFRA, ROOT
from infra.hcl import read, strings
from setpoint.catalog.schemas import default_catalogue


def test_the_app_of_slack_asks_for_what_is_used_of_it():
    manifest = yaml.safe_load((INFRA / "slack-app.yaml").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    used = {
        "chat.postMessage": {"chat:write", "chat:write.public"},
        "chat.update": {"chat:write"},
        "chat.postEphemeral": {"chat:write"},
        "conversations.history": {"channels:history", "groups:history"},
        "conversations.replies": {"channels:history", "groups:history"},
        "conversations.list": {"channels:read", "groups:read"},
        "conversations.join": {"channels:join"},
        "users.info": {"users:read", "users:read.email"},
        "usergroups.users.list": {"usergroups:read"},
    }
    sources = [path.read_text() for path in (ROOT / "shared/setpoint/adapters/slack").glob("*.py")]
    called = {
        method
        for text in sources
        for method in re.findall(r'"((?:chat|conversations|users|usergroups)\.[\w.]+)"', text)
    }
    assert called == set(used)
    assert scopes == set().union(*used.values())
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_every_asset_type_of_a_feed_is_one_that_setpoint_can_compare():
    (variable,) = [block for block in CODE.named("variable") if block.labels == ("asset_types",)]
    types = set(strings(variable.attributes["type"]))
    assert len(types) > 30
    assert [type_ for type_ in sorted(types) if not default_catalogue().schemas_for(type_)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_sets_variables_that_the_module_has_and_all_that_it_needs(example):
    (module,) = read(example).named("module")
    variables = {block.labels[0]: block for block in CODE.named("variable")}
    needed = {name for name, block in variables.items() if "default" not in block.attributes}
    assert needed <= set(module.attributes) - {"source"} <= set(variables)
    assert (example / strings(module.attributes["source"])[0]).resolve() == INFRA
