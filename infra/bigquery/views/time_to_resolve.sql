-- How long does drift last? From the change that the inventory saw to the observation that showed the resource as
-- declared, or deleted; of the fleet, and by team, project and asset type. What ended otherwise, since it is no longer
-- declared or a rule suppresses it, is counted and not timed.
-- Reads what events reads.
WITH
  resolved AS (
    SELECT
      team, project, asset_type,
      IF(reason IN ('in sync', 'gone'), TIMESTAMP_DIFF(resolved_at, first_seen, MILLISECOND) / 1000 / 3600, NULL) AS hours
    FROM `${project}.${dataset}.events`
    WHERE type = 'drift.resolved'
  )
SELECT
  part.grouped_by AS grouped_by,
  part.name AS name,
  COUNT(hours) AS put_right,
  COUNTIF(hours IS NULL) AS ended_otherwise,
  ROUND(AVG(hours), 2) AS mean_hours,
  ROUND(APPROX_QUANTILES(hours, 100)[OFFSET(50)], 2) AS median_hours,
  ROUND(APPROX_QUANTILES(hours, 100)[OFFSET(95)], 2) AS p95_hours
FROM resolved
CROSS JOIN UNNEST([
  STRUCT('fleet' AS grouped_by, '' AS name),
  STRUCT('team' AS grouped_by, team AS name),
  STRUCT('project' AS grouped_by, project AS name),
  STRUCT('asset_type' AS grouped_by, asset_type AS name)
]) AS part
GROUP BY part.grouped_by, part.name
ORDER BY grouped_by, put_right DESC, name
