-- Does remediation work? Of the drifts that were to be remediated, how many were, and how long it took from the first
-- attempt to the proof; of the fleet, and by team, project, asset type and executor.
-- Reads what events reads.
WITH
  drifts AS (
    SELECT
      finding_id,
      episode,
      MAX(team) AS team,
      MAX(project) AS project,
      MAX(asset_type) AS asset_type,
      MAX(executor) AS executor,
      COUNTIF(type = 'remediation.requested') AS requested,
      COUNTIF(type = 'remediation.succeeded') AS succeeded,
      COUNTIF(type = 'remediation.failed') AS failed,
      COUNTIF(type = 'remediation.blocked') AS blocked,
      MIN(IF(type = 'remediation.started', time, NULL)) AS started_at,
      MAX(IF(type = 'remediation.succeeded', time, NULL)) AS succeeded_at
    FROM `${project}.${dataset}.events`
    WHERE STARTS_WITH(type, 'remediation.')
    GROUP BY finding_id, episode
  )
SELECT
  part.grouped_by AS grouped_by,
  part.name AS name,
  COUNT(*) AS drifts,
  COUNTIF(requested > 0) AS asked,
  COUNT(started_at) AS started,
  COUNTIF(succeeded > 0) AS succeeded,
  COUNTIF(failed > 0) AS failed,
  COUNTIF(blocked > 0) AS blocked,
  ROUND(100 * COUNTIF(succeeded > 0) / NULLIF(COUNTIF(succeeded > 0 OR failed > 0), 0), 1) AS percent_succeeded,
  ROUND(AVG(TIMESTAMP_DIFF(succeeded_at, started_at, MILLISECOND) / 1000), 1) AS mean_seconds
FROM drifts
CROSS JOIN UNNEST([
  STRUCT('fleet' AS grouped_by, '' AS name),
  STRUCT('team' AS grouped_by, team AS name),
  STRUCT('project' AS grouped_by, project AS name),
  STRUCT('asset_type' AS grouped_by, asset_type AS name),
  STRUCT('executor' AS grouped_by, executor AS name)
]) AS part
GROUP BY part.grouped_by, part.name
ORDER BY grouped_by, drifts DESC, name
