-- What has happened? Every event of the last ${days} days once, however often it was delivered.
-- Reads the days of drift_events from ${days} days ago to tomorrow; `time` is when it happened, which can be long before
-- `recordedtime`, by whose days the table is kept; an event is recorded no earlier than it happened.
SELECT
  id,
  type,
  time,
  CAST(sequence AS INT64) AS sequence,
  data.finding_id,
  data.resource_name,
  data.asset_type,
  data.content,
  data.project,
  IF(IFNULL(data.owner.team, '') = '', '(no team)', data.owner.team) AS team,
  data.kind,
  data.status,
  data.severity,
  data.mode,
  data.difference_count,
  (SELECT STRING_AGG(one.path, ', ' ORDER BY one.path) FROM UNNEST(data.differences) AS one) AS paths,
  data.fingerprint,
  data.first_seen,
  data.last_seen,
  data.resolved_at,
  data.episodes AS episode,
  data.reason,
  data.actor.principal AS actor,
  data.actor.hand,
  data.actor.confidence,
  data.actor.caller,
  data.actor.method,
  data.remediation.step AS remediation_step,
  IF(data.remediation.step IS NULL, NULL, IFNULL(data.remediation.executor, 'api')) AS executor, -- left out where it is api
  data.remediation.rule,
  data.remediation.reason AS remediation_reason,
  data.remediation.approved_by,
  IFNULL(data.origin, 'unknown') AS origin,
  data.history.since AS began_at,
  IFNULL(data.history.at_least, FALSE) AS began_at_least
FROM `${project}.${dataset}.drift_events`
WHERE recordedtime >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY, 'UTC'), INTERVAL ${days} DAY)
  AND recordedtime < TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)
  AND time >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY, 'UTC'), INTERVAL ${days} DAY)
  AND time < TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY time) = 1
