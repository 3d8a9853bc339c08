#!/usr/bin/env bash
# comment.sh FILE: post FILE on pull request $NUMBER of $REPOSITORY, or update the comment of an earlier run.
# Source: https://docs.github.com/rest/issues/comments
set -euo pipefail
marker='<!-- setpoint-guard -->'
comments="repos/$REPOSITORY/issues/$NUMBER/comments"
[ -s "$1" ] || { echo "no review to post: see the step before" >&2; exit 0; }
existing=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)
if [ -n "$existing" ]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/$existing" --field "body=@$1" --silent
else
  gh api --method POST "$comments" --field "body=@$1" --silent
fi
