"""Distils Google's discovery documents into the catalogue that the library ships.

A discovery document is Google's own description of an API: each resource as a JSON schema, each field with
its type and a text. `google-api-python-client` carries them all, so that the build needs no network. What
comes out is one small file per service (`setpoint/catalog/data/schemas/<service>.json.gz`), which
`setpoint.catalog.schemas` reads.

The path of a document: `documents` finds it and determines its version, `schemas` selects the fields of a
resource and packs each one, `flags` reads the texts, `lines` folds the newest beta into the stable
version, `kinds` says under which names the resources are known, `artefact` writes the bytes.

`methods` writes beside it how each resource is read and written, `patterns` how resources are named.

Only the build, and the fake of Google's APIs in `setpoint_tools.testing`, import this package: it needs the development
dependencies.
"""
